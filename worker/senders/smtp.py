"""Sends e-mail through an SMTP server. SMTP knows no key: what perhaps was sent is not sent again."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.errors import MessageError
from email.policy import SMTP
from typing import Literal

import aiosmtplib
import idna
from aiosmtplib import SMTPException, SMTPHeloError, SMTPRecipientRefused, SMTPResponseException

from worker.senders.base import Envelope, Lease, Outcome
from worker.senders.letter import write_letter

_PERMANENT = 500
_SEVEN_BITS = SMTP.clone(cte_type="7bit")  # whatever the server on the way can do
_UTF8 = _SEVEN_BITS.clone(utf8=True)  # only to addresses that cannot be written otherwise (RFC 6532)
_LOST = (SMTPException, OSError, TimeoutError)


@dataclass
class SmtpSender:
    """An SMTP server, and the connections to it that are open."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    from_address: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 10
    channel: str = "email"
    repeatable: bool = False
    idle: list[aiosmtplib.SMTP] = field(default_factory=list, repr=False)

    async def send(self, envelope: Envelope, lease: Lease) -> Outcome:
        """Send a letter. Raises LeaseOver."""
        try:
            envelope = _dialled(envelope)
            policy = _SEVEN_BITS if envelope.address.isascii() else _UTF8
            letter = write_letter(envelope, self.from_address).as_bytes(policy=policy)
        except (ValueError, MessageError) as error:
            return Outcome("failed", "smtp letter", str(error))
        outcome = await self._deliver(envelope, letter, lease)
        return outcome.without(self.password or "")

    async def _deliver(self, envelope: Envelope, letter: bytes, lease: Lease) -> Outcome:
        try:
            async with asyncio.timeout(min(lease.left(), self.timeout)):
                client = await self._connect()
        except _LOST as error:
            # Whatever it says, it says it of us, not of this letter.
            return _not_taken(error)
        try:
            try:
                async with asyncio.timeout(min(lease.left(), self.timeout)):
                    await self._address(client, envelope.address)
            except _LOST as error:
                return _refused(error) if isinstance(error, SMTPRecipientRefused) else _not_taken(error)
            except ValueError as error:
                return Outcome("failed", "smtp address", str(error))  # it could not be written to the wire
            outcome = await self._hand_over(client, letter, lease)
            if outcome.state == "sent":
                self.idle.append(client)
            return outcome
        finally:
            if client not in self.idle:
                client.close()

    async def _address(self, client: aiosmtplib.SMTP, to: str) -> None:
        """Say from whom and to whom; an address beyond ASCII only to servers that know such (RFC 6531)."""
        if to.isascii():
            await client.mail(self.from_address)
            await client.rcpt(to)
            return
        if client.is_ehlo_or_helo_needed:
            with suppress(SMTPHeloError):
                await client.ehlo()
        if not client.supports_extension("smtputf8"):
            raise ValueError("the server takes no such address: it does not offer SMTPUTF8")
        await client.mail(self.from_address, options=["SMTPUTF8"])
        await client.rcpt(to, encoding="utf-8")

    async def _hand_over(self, client: aiosmtplib.SMTP, letter: bytes, lease: Lease) -> Outcome:
        """From here on a lost connection leaves open whether the server has the letter."""
        try:
            async with asyncio.timeout(min(lease.left(), self.timeout)):
                answer = await client.data(letter)
        except SMTPResponseException as error:
            return _refused(error)
        except _LOST as error:
            return Outcome("unknown", f"smtp {type(error).__name__}", str(error))
        return Outcome("sent", ref=answer.message[:200])

    async def _connect(self) -> aiosmtplib.SMTP:
        """Return a connection that is open and logged in: one that was used before, if it still answers."""
        while self.idle:
            client = self.idle.pop()
            try:
                await client.rset()
            except _LOST:
                client.close()
            else:
                return client
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            use_tls=self.tls == "tls",
            start_tls=self.tls == "starttls",
            timeout=self.timeout,
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return client

    async def rest(self) -> None:
        """Close the connections that are open."""
        while self.idle:
            client = self.idle.pop()
            with suppress(*_LOST):
                await client.quit()
            client.close()


def _dialled(envelope: Envelope) -> Envelope:
    """Return it with domains as DNS knows them; an address to answer to has to be ASCII then."""
    reply_to = envelope.reply_to and _in_dns(envelope.reply_to)
    return replace(
        envelope,
        address=_in_dns(envelope.address),
        reply_to=reply_to if reply_to and reply_to.isascii() else None,
    )


def _in_dns(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return address if domain.isascii() else f"{local}@{idna.encode(domain, uts46=True).decode()}"


def _not_taken(error: BaseException) -> Outcome:
    code = error.code if isinstance(error, SMTPResponseException) else type(error).__name__
    return Outcome("retry", f"smtp {code}", str(error))


def _refused(error: SMTPResponseException) -> Outcome:
    state: Literal["failed", "retry"] = "failed" if error.code >= _PERMANENT else "retry"
    return Outcome(state, f"smtp {error.code}", error.message)
