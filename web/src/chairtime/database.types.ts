export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]

export type Database = {
  api: {
    Tables: { [_ in never]: never }
    Views: {
      clinics: { Row: { id: string | null; slug: string | null; name: string | null; time_zone: string | null; slot_interval: string | null; hold_duration: string | null; min_notice: string | null; booking_horizon: string | null; cancellation_notice: string | null; max_active_holds: number | null }; Relationships: [] }
      dentists: { Row: { id: string | null; clinic_id: string | null; full_name: string | null; specialty: string | null; bio: string | null; is_active: boolean | null }; Relationships: [] }
      appointment_types: { Row: { id: string | null; clinic_id: string | null; name: string | null; duration: string | null; buffer_before: string | null; buffer_after: string | null; is_active: boolean | null }; Relationships: [] }
      working_hours: { Row: { id: string | null; clinic_id: string | null; dentist_id: string | null; weekday: number | null; opens: string | null; closes: string | null }; Relationships: [] }
      appointments: { Row: { id: string | null; clinic_id: string | null; dentist_id: string | null; patient_id: string | null; appointment_type_id: string | null; starts_at: string | null; ends_at: string | null; status: string | null; notes: string | null; version: number | null; source: string | null; created_at: string | null; updated_at: string | null; cancelled_at: string | null; cancellation_reason: string | null }; Relationships: [] }
      slot_reservations: { Row: { id: string | null; clinic_id: string | null; dentist_id: string | null; appointment_type_id: string | null; patient_id: string | null; starts_at: string | null; ends_at: string | null; expires_at: string | null; server_now: string | null }; Relationships: [] }
      patients: { Row: { id: string | null; clinic_id: string | null; user_id: string | null; full_name: string | null; phone: string | null; email: string | null }; Relationships: [] }
      staff: { Row: { clinic_id: string | null; user_id: string | null; role: string | null; full_name: string | null; email: string | null }; Relationships: [] }
      time_off: { Row: { id: string | null; clinic_id: string | null; dentist_id: string | null; starts_at: string | null; ends_at: string | null; reason: string | null }; Relationships: [] }
      extra_hours: { Row: { id: string | null; clinic_id: string | null; dentist_id: string | null; starts_at: string | null; ends_at: string | null }; Relationships: [] }
      realtime_events: { Row: { id: number | null; event: string | null }; Relationships: [] }
      job_runs: { Row: { id: number | null; job: string | null }; Relationships: [] }
      daily_metrics: { Row: { clinic_id: string | null; day: string | null; booked: number | null; checked_in: number | null; fulfilled: number | null; cancelled: number | null; no_shows: number | null; bookings: number | null; cancellations: number | null; lead_time: string | null; holds: number | null; holds_confirmed: number | null; holds_released: number | null; holds_expired: number | null; hold_conversion: number | null; working_minutes: number | null; booked_minutes: number | null; utilisation: number | null; refreshed_at: string | null }; Relationships: [] }
    }
    Functions: {
      health: { Args: never; Returns: Json }
      me: { Args: never; Returns: Json }
      update_me: { Args: { full_name?: string; phone?: string; locale?: string }; Returns: Json }
      available_slots: { Args: { appointment_type_id: string; from_date: string; to_date?: string; dentist_id?: string }; Returns: Json }
      explain_slot: { Args: { dentist_id: string; appointment_type_id: string; starts_at: string }; Returns: Json }
      reserve_slot: { Args: { dentist_id: string; appointment_type_id: string; starts_at: string; patient_id?: string; idempotency_key?: string }; Returns: Json }
      release_reservation: { Args: { reservation_id: string }; Returns: Json }
      confirm_reservation: { Args: { reservation_id: string; patient_id?: string; notes?: string; idempotency_key?: string }; Returns: Json }
      book_appointment: { Args: { dentist_id: string; appointment_type_id: string; starts_at: string; patient_id?: string; notes?: string; idempotency_key?: string }; Returns: Json }
      reschedule_appointment: { Args: { appointment_id: string; starts_at: string; dentist_id?: string; expected_version?: number; idempotency_key?: string }; Returns: Json }
      update_appointment: { Args: { appointment_id: string; notes: string; expected_version?: number }; Returns: Json }
      cancel_appointment: { Args: { appointment_id: string; reason?: string; expected_version?: number }; Returns: Json }
      set_appointment_status: { Args: { appointment_id: string; status: string; expected_version?: number }; Returns: Json }
      get_availability: { Args: { dentist_id: string }; Returns: Json }
      set_availability: { Args: { dentist_id: string; weekly: Json; dry_run?: boolean }; Returns: Json }
      add_time_off: { Args: { clinic_id: string; starts_at: string; ends_at: string; dentist_id?: string; reason?: string; on_conflict?: string; dry_run?: boolean }; Returns: Json }
      remove_time_off: { Args: { time_off_id: string }; Returns: Json }
      add_extra_hours: { Args: { dentist_id: string; starts_at: string; ends_at: string }; Returns: Json }
      remove_extra_hours: { Args: { extra_hours_id: string }; Returns: Json }
      create_patient: { Args: { clinic_id: string; full_name: string; phone?: string; email?: string; user_id?: string }; Returns: Json }
      grant_staff_role: { Args: { clinic_id: string; user_id: string; role: string }; Returns: Json }
      revoke_staff_role: { Args: { clinic_id: string; user_id: string }; Returns: Json }
      update_dentist: { Args: { dentist_id: string; full_name?: string; specialty?: string; bio?: string; is_active?: boolean }; Returns: Json }
      create_dentist: { Args: { clinic_id: string; full_name: string; specialty?: string }; Returns: Json }
      clinic_day: { Args: { clinic_id: string; day: string }; Returns: Json }
      events_since: { Args: { topic: string; after_id: number; max_events?: number }; Returns: Json }
    }
    Enums: { [_ in never]: never }
    CompositeTypes: { [_ in never]: never }
  }
}
