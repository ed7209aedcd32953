"""Which senders there are, by the settings; their secrets from there, or from Supabase's Vault."""

from collections.abc import Awaitable, Callable

import structlog
from pydantic import SecretStr

from worker.senders.base import Sender
from worker.senders.smtp import SmtpSender
from worker.senders.web import WebSender, presets
from worker.settings import PREFIX, Settings

log = structlog.get_logger()

AskVault = Callable[[str], Awaitable[str | None]]


async def choose_senders(settings: Settings, ask_vault: AskVault) -> list[Sender]:
    """Return the senders that can be used, one a channel at most; log why another cannot."""
    chosen: list[Sender] = []
    for channel, make in (("email", _email), ("sms", _sms)):
        sender, missing = await make(settings, ask_vault)
        if missing is None and sender is not None and settings.site_url is None:
            missing = "SITE_URL"
        if missing:
            log.error("sender_unusable", channel=channel, missing=PREFIX + missing)
        elif sender is None:
            log.info("sender_disabled", channel=channel)
        else:
            log.info(
                "sender_ready", channel=channel, sender=type(sender).__name__, repeatable=sender.repeatable
            )
            chosen.append(sender)
    return chosen


async def find_secret(name: str, setting: SecretStr | None, ask_vault: AskVault) -> str | None:
    """Return a setting's secret, or else the Vault's ``chairtime_<name>``."""
    return setting.get_secret_value() if setting else await ask_vault(f"chairtime_{name}")


async def _email(settings: Settings, ask_vault: AskVault) -> tuple[Sender | None, str | None]:
    if settings.smtp_host is None and settings.email_url is None:
        return None, None
    if settings.email_from is None:
        return None, "EMAIL_FROM"
    if settings.smtp_host is not None:
        password = await find_secret("smtp_password", settings.smtp_password, ask_vault)
        if settings.smtp_user and password is None:
            return None, "SMTP_PASSWORD"
        return SmtpSender(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_tls,
            settings.email_from,
            settings.smtp_user,
            password,
            settings.message_timeout,
        ), None
    assert settings.email_url is not None  # noqa: S101 - one of them is set
    preset = presets()["chairtime"]
    secret = await find_secret("email_secret", settings.email_secret, ask_vault)
    return WebSender(
        "email",
        preset,
        settings.email_url,
        settings.email_from,
        secret=secret,
        timeout=settings.message_timeout,
        repeatable=preset.repeatable if settings.email_repeatable is None else settings.email_repeatable,
    ), None


async def _sms(settings: Settings, ask_vault: AskVault) -> tuple[Sender | None, str | None]:
    preset = presets()[settings.sms_preset]
    url = settings.sms_url or (preset.url and preset.url.format(account=settings.sms_account))
    if url is None:
        return None, None
    secret = await find_secret("sms_secret", settings.sms_secret, ask_vault)
    needed = {
        "SMS_ACCOUNT": settings.sms_account or preset.auth != "basic",
        "SMS_SECRET": secret or preset.auth == "signature",
        "SMS_FROM": settings.sms_from or preset.body is None,
    }
    missing = next((name for name, given in needed.items() if not given), None)
    return WebSender(
        "sms",
        preset,
        url,
        settings.sms_from,
        settings.sms_account,
        secret,
        settings.message_timeout,
        preset.repeatable if settings.sms_repeatable is None else settings.sms_repeatable,
    ), missing
