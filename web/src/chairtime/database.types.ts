export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]

export type Database = {
  api: {
    Tables: {
      [_ in never]: never
    }
    Views: {
      appointment_types: {
        Row: {
          audience: string
          booking_horizon: string | null
          buffer_after: string
          buffer_before: string
          clinic_id: string
          duration: string
          id: string
          is_active: boolean
          max_per_day: number | null
          min_notice: string | null
          name: string
          slot_interval: string | null
        }
        ComputedFields: never
        Insert: {
          audience?: string | null
          booking_horizon?: string | null
          buffer_after?: string | null
          buffer_before?: string | null
          clinic_id?: string | null
          duration?: string | null
          id?: string | null
          is_active?: boolean | null
          max_per_day?: number | null
          min_notice?: string | null
          name?: string | null
          slot_interval?: string | null
        }
        Update: {
          audience?: string | null
          booking_horizon?: string | null
          buffer_after?: string | null
          buffer_before?: string | null
          clinic_id?: string | null
          duration?: string | null
          id?: string | null
          is_active?: boolean | null
          max_per_day?: number | null
          min_notice?: string | null
          name?: string | null
          slot_interval?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'appointment_types_clinic_fkey'
            columns: ['clinic_id']
            isOneToOne: false
            referencedRelation: 'clinics'
            referencedColumns: ['id']
          },
        ]
      }
      appointments: {
        Row: {
          appointment_type_id: string
          assigned: string
          cancellation_reason: string | null
          cancelled_at: string | null
          changeable_until: string | null
          clinic_id: string
          confirmed_at: string | null
          created_at: string
          dentist_id: string
          ends_at: string
          id: string
          is_squeezed: boolean
          notes: string | null
          patient_id: string
          series_id: string | null
          source: string
          staff_notes: string | null
          starts_at: string
          status: string
          updated_at: string
          version: number
        }
        ComputedFields: never
        Insert: {
          appointment_type_id?: string | null
          assigned?: string | null
          cancellation_reason?: string | null
          cancelled_at?: string | null
          changeable_until?: never
          clinic_id?: string | null
          confirmed_at?: string | null
          created_at?: string | null
          dentist_id?: string | null
          ends_at?: string | null
          id?: string | null
          is_squeezed?: boolean | null
          notes?: string | null
          patient_id?: string | null
          series_id?: string | null
          source?: string | null
          staff_notes?: never
          starts_at?: string | null
          status?: string | null
          updated_at?: string | null
          version?: number | null
        }
        Update: {
          appointment_type_id?: string | null
          assigned?: string | null
          cancellation_reason?: string | null
          cancelled_at?: string | null
          changeable_until?: never
          clinic_id?: string | null
          confirmed_at?: string | null
          created_at?: string | null
          dentist_id?: string | null
          ends_at?: string | null
          id?: string | null
          is_squeezed?: boolean | null
          notes?: string | null
          patient_id?: string | null
          series_id?: string | null
          source?: string | null
          staff_notes?: never
          starts_at?: string | null
          status?: string | null
          updated_at?: string | null
          version?: number | null
        }
        Relationships: [
          {
            foreignKeyName: 'appointments_dentist_fkey'
            columns: ['dentist_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'dentists'
            referencedColumns: ['id', 'clinic_id']
          },
          {
            foreignKeyName: 'appointments_patient_fkey'
            columns: ['patient_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'patients'
            referencedColumns: ['id', 'clinic_id']
          },
          {
            foreignKeyName: 'appointments_type_fkey'
            columns: ['appointment_type_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'appointment_types'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
      audit_log: {
        Row: {
          action: string
          actor: string | null
          after: Json | null
          at: string
          before: Json | null
          clinic_id: string | null
          entity: string
          entity_id: string
          id: number
          role: string
          via: string
        }
        ComputedFields: never
        Insert: {
          action?: string | null
          actor?: string | null
          after?: never
          at?: string | null
          before?: never
          clinic_id?: string | null
          entity?: string | null
          entity_id?: string | null
          id?: number | null
          role?: string | null
          via?: string | null
        }
        Update: {
          action?: string | null
          actor?: string | null
          after?: never
          at?: string | null
          before?: never
          clinic_id?: string | null
          entity?: string | null
          entity_id?: string | null
          id?: number | null
          role?: string | null
          via?: string | null
        }
        Relationships: []
      }
      clinics: {
        Row: {
          address: string | null
          audit_retention: string
          booking_horizon: string
          cancel_grace: string
          cancellation_notice: string
          email: string | null
          hold_duration: string
          id: string
          locale: string
          max_active_holds: number
          max_chatbot_bookings_per_hour: number
          max_holds_per_hour: number
          max_offers: number
          max_upcoming: number
          max_waitlist_offers: number
          min_notice: string
          name: string
          offer_duration: string
          offer_lead: string
          patient_retention: string
          phone: string | null
          quiet_from: string
          quiet_until: string
          require_mfa: boolean
          slot_interval: string
          slug: string
          time_zone: string
        }
        ComputedFields: never
        Insert: {
          address?: string | null
          audit_retention?: string | null
          booking_horizon?: string | null
          cancel_grace?: string | null
          cancellation_notice?: string | null
          email?: string | null
          hold_duration?: string | null
          id?: string | null
          locale?: string | null
          max_active_holds?: number | null
          max_chatbot_bookings_per_hour?: number | null
          max_holds_per_hour?: number | null
          max_offers?: number | null
          max_upcoming?: number | null
          max_waitlist_offers?: number | null
          min_notice?: string | null
          name?: string | null
          offer_duration?: string | null
          offer_lead?: string | null
          patient_retention?: string | null
          phone?: string | null
          quiet_from?: string | null
          quiet_until?: string | null
          require_mfa?: boolean | null
          slot_interval?: string | null
          slug?: string | null
          time_zone?: string | null
        }
        Update: {
          address?: string | null
          audit_retention?: string | null
          booking_horizon?: string | null
          cancel_grace?: string | null
          cancellation_notice?: string | null
          email?: string | null
          hold_duration?: string | null
          id?: string | null
          locale?: string | null
          max_active_holds?: number | null
          max_chatbot_bookings_per_hour?: number | null
          max_holds_per_hour?: number | null
          max_offers?: number | null
          max_upcoming?: number | null
          max_waitlist_offers?: number | null
          min_notice?: string | null
          name?: string | null
          offer_duration?: string | null
          offer_lead?: string | null
          patient_retention?: string | null
          phone?: string | null
          quiet_from?: string | null
          quiet_until?: string | null
          require_mfa?: boolean | null
          slot_interval?: string | null
          slug?: string | null
          time_zone?: string | null
        }
        Relationships: []
      }
      closures: {
        Row: {
          clinic_id: string
          ends_at: string | null
          id: string
          reason: string | null
          starts_at: string | null
        }
        ComputedFields: never
        Insert: {
          clinic_id?: string | null
          ends_at?: never
          id?: string | null
          reason?: string | null
          starts_at?: never
        }
        Update: {
          clinic_id?: string | null
          ends_at?: never
          id?: string | null
          reason?: string | null
          starts_at?: never
        }
        Relationships: [
          {
            foreignKeyName: 'closures_clinic_fkey'
            columns: ['clinic_id']
            isOneToOne: false
            referencedRelation: 'clinics'
            referencedColumns: ['id']
          },
        ]
      }
      daily_metrics: {
        Row: {
          booked: number
          booked_minutes: number
          bookings: number
          cancellations: number
          cancelled: number
          checked_in: number
          clinic_id: string
          day: string
          filled_minutes: number
          fulfilled: number
          hold_conversion: number | null
          holds: number
          holds_confirmed: number
          holds_expired: number
          holds_released: number
          lead_time: string | null
          no_shows: number
          offers: number
          offers_accepted: number
          refreshed_at: string
          refusals: number
          time_to_fill: string | null
          utilisation: number | null
          working_minutes: number
        }
        ComputedFields: never
        Insert: {
          booked?: number | null
          booked_minutes?: number | null
          bookings?: number | null
          cancellations?: number | null
          cancelled?: number | null
          checked_in?: number | null
          clinic_id?: string | null
          day?: string | null
          filled_minutes?: number | null
          fulfilled?: number | null
          hold_conversion?: never
          holds?: number | null
          holds_confirmed?: number | null
          holds_expired?: number | null
          holds_released?: number | null
          lead_time?: string | null
          no_shows?: number | null
          offers?: number | null
          offers_accepted?: number | null
          refreshed_at?: string | null
          refusals?: number | null
          time_to_fill?: string | null
          utilisation?: never
          working_minutes?: number | null
        }
        Update: {
          booked?: number | null
          booked_minutes?: number | null
          bookings?: number | null
          cancellations?: number | null
          cancelled?: number | null
          checked_in?: number | null
          clinic_id?: string | null
          day?: string | null
          filled_minutes?: number | null
          fulfilled?: number | null
          hold_conversion?: never
          holds?: number | null
          holds_confirmed?: number | null
          holds_expired?: number | null
          holds_released?: number | null
          lead_time?: string | null
          no_shows?: number | null
          offers?: number | null
          offers_accepted?: number | null
          refreshed_at?: string | null
          refusals?: number | null
          time_to_fill?: string | null
          utilisation?: never
          working_minutes?: number | null
        }
        Relationships: [
          {
            foreignKeyName: 'daily_metrics_clinic_fkey'
            columns: ['clinic_id']
            isOneToOne: false
            referencedRelation: 'clinics'
            referencedColumns: ['id']
          },
        ]
      }
      dentist_types: {
        Row: {
          appointment_type_id: string
          clinic_id: string
          dentist_id: string
          duration: string | null
        }
        ComputedFields: never
        Insert: {
          appointment_type_id?: string | null
          clinic_id?: string | null
          dentist_id?: string | null
          duration?: string | null
        }
        Update: {
          appointment_type_id?: string | null
          clinic_id?: string | null
          dentist_id?: string | null
          duration?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'dentist_types_dentist_fkey'
            columns: ['dentist_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'dentists'
            referencedColumns: ['id', 'clinic_id']
          },
          {
            foreignKeyName: 'dentist_types_type_fkey'
            columns: ['appointment_type_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'appointment_types'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
      dentists: {
        Row: {
          bio: string | null
          clinic_id: string
          full_name: string
          id: string
          is_active: boolean
          profession: string
          specialty: string | null
        }
        ComputedFields: never
        Insert: {
          bio?: string | null
          clinic_id?: string | null
          full_name?: string | null
          id?: string | null
          is_active?: boolean | null
          profession?: string | null
          specialty?: string | null
        }
        Update: {
          bio?: string | null
          clinic_id?: string | null
          full_name?: string | null
          id?: string | null
          is_active?: boolean | null
          profession?: string | null
          specialty?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'dentists_clinic_fkey'
            columns: ['clinic_id']
            isOneToOne: false
            referencedRelation: 'clinics'
            referencedColumns: ['id']
          },
        ]
      }
      extra_hours: {
        Row: {
          clinic_id: string
          dentist_id: string
          ends_at: string | null
          id: string
          starts_at: string | null
        }
        ComputedFields: never
        Insert: {
          clinic_id?: string | null
          dentist_id?: string | null
          ends_at?: never
          id?: string | null
          starts_at?: never
        }
        Update: {
          clinic_id?: string | null
          dentist_id?: string | null
          ends_at?: never
          id?: string | null
          starts_at?: never
        }
        Relationships: [
          {
            foreignKeyName: 'extra_hours_dentist_fkey'
            columns: ['dentist_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'dentists'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
      guardians: {
        Row: {
          clinic_id: string
          created_at: string
          guardian_name: string | null
          patient_id: string
          relation: string
          until: string | null
          user_id: string
        }
        ComputedFields: never
        Insert: {
          clinic_id?: string | null
          created_at?: string | null
          guardian_name?: never
          patient_id?: string | null
          relation?: string | null
          until?: string | null
          user_id?: string | null
        }
        Update: {
          clinic_id?: string | null
          created_at?: string | null
          guardian_name?: never
          patient_id?: string | null
          relation?: string | null
          until?: string | null
          user_id?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'guardians_patient_fkey'
            columns: ['patient_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'patients'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
      invitations: {
        Row: {
          accepted_at: string | null
          clinic_id: string
          created_at: string
          dentist_id: string | null
          email: string | null
          expires_at: string
          id: string
          patient_id: string | null
          relation: string | null
          role: string | null
        }
        ComputedFields: never
        Insert: {
          accepted_at?: string | null
          clinic_id?: string | null
          created_at?: string | null
          dentist_id?: string | null
          email?: string | null
          expires_at?: string | null
          id?: string | null
          patient_id?: string | null
          relation?: string | null
          role?: string | null
        }
        Update: {
          accepted_at?: string | null
          clinic_id?: string | null
          created_at?: string | null
          dentist_id?: string | null
          email?: string | null
          expires_at?: string | null
          id?: string | null
          patient_id?: string | null
          relation?: string | null
          role?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'invitations_clinic_fkey'
            columns: ['clinic_id']
            isOneToOne: false
            referencedRelation: 'clinics'
            referencedColumns: ['id']
          },
          {
            foreignKeyName: 'invitations_dentist_fkey'
            columns: ['dentist_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'dentists'
            referencedColumns: ['id', 'clinic_id']
          },
          {
            foreignKeyName: 'invitations_patient_fkey'
            columns: ['patient_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'patients'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
      job_runs: {
        Row: {
          affected: number
          attempt: number
          batches: number
          cause: string
          error: string | null
          finished_at: string | null
          id: string
          job: string
          started_at: string
          state: string
          tick: string | null
        }
        ComputedFields: never
        Insert: {
          affected?: number | null
          attempt?: number | null
          batches?: number | null
          cause?: string | null
          error?: string | null
          finished_at?: string | null
          id?: string | null
          job?: string | null
          started_at?: string | null
          state?: string | null
          tick?: string | null
        }
        Update: {
          affected?: number | null
          attempt?: number | null
          batches?: number | null
          cause?: string | null
          error?: string | null
          finished_at?: string | null
          id?: string | null
          job?: string | null
          started_at?: string | null
          state?: string | null
          tick?: string | null
        }
        Relationships: []
      }
      locales: {
        Row: {
          is_rtl: boolean
          locale: string
          name: string
        }
        ComputedFields: never
        Insert: {
          is_rtl?: boolean | null
          locale?: string | null
          name?: string | null
        }
        Update: {
          is_rtl?: boolean | null
          locale?: string | null
          name?: string | null
        }
        Relationships: []
      }
      message_defaults: {
        Row: {
          body: string
          channel: string
          kind: string
          locale: string
          subject: string | null
        }
        ComputedFields: never
        Insert: {
          body?: string | null
          channel?: string | null
          kind?: string | null
          locale?: string | null
          subject?: string | null
        }
        Update: {
          body?: string | null
          channel?: string | null
          kind?: string | null
          locale?: string | null
          subject?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'message_defaults_locale_fkey'
            columns: ['locale']
            isOneToOne: false
            referencedRelation: 'locales'
            referencedColumns: ['locale']
          },
        ]
      }
      message_replies: {
        Row: {
          answer: string | null
          appointment_id: string | null
          body: string | null
          clinic_id: string | null
          handled_at: string | null
          handled_by: string | null
          id: string
          means: string
          outcome: string | null
          patient_id: string | null
          phone: string | null
          received_at: string
        }
        ComputedFields: never
        Insert: {
          answer?: string | null
          appointment_id?: string | null
          body?: string | null
          clinic_id?: string | null
          handled_at?: string | null
          handled_by?: string | null
          id?: string | null
          means?: string | null
          outcome?: string | null
          patient_id?: string | null
          phone?: string | null
          received_at?: string | null
        }
        Update: {
          answer?: string | null
          appointment_id?: string | null
          body?: string | null
          clinic_id?: string | null
          handled_at?: string | null
          handled_by?: string | null
          id?: string | null
          means?: string | null
          outcome?: string | null
          patient_id?: string | null
          phone?: string | null
          received_at?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'message_replies_clinic_fkey'
            columns: ['clinic_id']
            isOneToOne: false
            referencedRelation: 'clinics'
            referencedColumns: ['id']
          },
          {
            foreignKeyName: 'message_replies_patient_fkey'
            columns: ['patient_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'patients'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
      message_rules: {
        Row: {
          channel: string
          clinic_id: string
          id: string
          kind: string
          lead: string
        }
        ComputedFields: never
        Insert: {
          channel?: string | null
          clinic_id?: string | null
          id?: string | null
          kind?: string | null
          lead?: string | null
        }
        Update: {
          channel?: string | null
          clinic_id?: string | null
          id?: string | null
          kind?: string | null
          lead?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'message_rules_clinic_fkey'
            columns: ['clinic_id']
            isOneToOne: false
            referencedRelation: 'clinics'
            referencedColumns: ['id']
          },
        ]
      }
      message_templates: {
        Row: {
          body: string
          channel: string
          clinic_id: string
          kind: string
          locale: string
          subject: string | null
        }
        ComputedFields: never
        Insert: {
          body?: string | null
          channel?: string | null
          clinic_id?: string | null
          kind?: string | null
          locale?: string | null
          subject?: string | null
        }
        Update: {
          body?: string | null
          channel?: string | null
          clinic_id?: string | null
          kind?: string | null
          locale?: string | null
          subject?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'message_templates_clinic_fkey'
            columns: ['clinic_id']
            isOneToOne: false
            referencedRelation: 'clinics'
            referencedColumns: ['id']
          },
          {
            foreignKeyName: 'message_templates_locale_fkey'
            columns: ['locale']
            isOneToOne: false
            referencedRelation: 'locales'
            referencedColumns: ['locale']
          },
        ]
      }
      messages: {
        Row: {
          address: string | null
          appointment_id: string | null
          attempts: number
          channel: string
          clinic_id: string
          created_at: string
          due_at: string
          error: string | null
          id: string
          kind: string
          locale: string | null
          patient_id: string | null
          reason: string | null
          sent_at: string | null
          starts_at: string | null
          state: string | null
        }
        ComputedFields: never
        Insert: {
          address?: string | null
          appointment_id?: string | null
          attempts?: number | null
          channel?: string | null
          clinic_id?: string | null
          created_at?: string | null
          due_at?: string | null
          error?: string | null
          id?: string | null
          kind?: string | null
          locale?: string | null
          patient_id?: string | null
          reason?: string | null
          sent_at?: string | null
          starts_at?: string | null
          state?: never
        }
        Update: {
          address?: string | null
          appointment_id?: string | null
          attempts?: number | null
          channel?: string | null
          clinic_id?: string | null
          created_at?: string | null
          due_at?: string | null
          error?: string | null
          id?: string | null
          kind?: string | null
          locale?: string | null
          patient_id?: string | null
          reason?: string | null
          sent_at?: string | null
          starts_at?: string | null
          state?: never
        }
        Relationships: []
      }
      patients: {
        Row: {
          birth_date: string | null
          clinic_id: string
          created_at: string
          email: string | null
          erased_at: string | null
          full_name: string
          id: string
          locale: string | null
          merged_into: string | null
          muted_channels: string[]
          phone: string | null
          staff_notes: string | null
          user_id: string | null
        }
        ComputedFields: never
        Insert: {
          birth_date?: string | null
          clinic_id?: string | null
          created_at?: string | null
          email?: string | null
          erased_at?: string | null
          full_name?: string | null
          id?: string | null
          locale?: string | null
          merged_into?: string | null
          muted_channels?: string[] | null
          phone?: string | null
          staff_notes?: never
          user_id?: string | null
        }
        Update: {
          birth_date?: string | null
          clinic_id?: string | null
          created_at?: string | null
          email?: string | null
          erased_at?: string | null
          full_name?: string | null
          id?: string | null
          locale?: string | null
          merged_into?: string | null
          muted_channels?: string[] | null
          phone?: string | null
          staff_notes?: never
          user_id?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'patients_clinic_fkey'
            columns: ['clinic_id']
            isOneToOne: false
            referencedRelation: 'clinics'
            referencedColumns: ['id']
          },
          {
            foreignKeyName: 'patients_merged_into_fkey'
            columns: ['merged_into', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'patients'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
      realtime_events: {
        Row: {
          actor: string | null
          clinic_id: string
          dentist_id: string | null
          dentist_seq: number | null
          entity: string
          entity_id: string
          event: string
          id: number
          occurred_at: string
          payload: NonNullable<Json>
          topics: string[]
        }
        ComputedFields: never
        Insert: {
          actor?: string | null
          clinic_id?: string | null
          dentist_id?: string | null
          dentist_seq?: number | null
          entity?: string | null
          entity_id?: string | null
          event?: string | null
          id?: number | null
          occurred_at?: string | null
          payload?: Json | null
          topics?: string[] | null
        }
        Update: {
          actor?: string | null
          clinic_id?: string | null
          dentist_id?: string | null
          dentist_seq?: number | null
          entity?: string | null
          entity_id?: string | null
          event?: string | null
          id?: number | null
          occurred_at?: string | null
          payload?: Json | null
          topics?: string[] | null
        }
        Relationships: []
      }
      recall_types: {
        Row: {
          after_type_ids: string[]
          ask_before: string
          book_type_id: string
          clinic_id: string
          every: string
          id: string
          is_active: boolean
          is_reckoned: boolean | null
          name: string
          steps: string[]
        }
        ComputedFields: never
        Insert: {
          after_type_ids?: string[] | null
          ask_before?: string | null
          book_type_id?: string | null
          clinic_id?: string | null
          every?: string | null
          id?: string | null
          is_active?: boolean | null
          is_reckoned?: never
          name?: string | null
          steps?: string[] | null
        }
        Update: {
          after_type_ids?: string[] | null
          ask_before?: string | null
          book_type_id?: string | null
          clinic_id?: string | null
          every?: string | null
          id?: string | null
          is_active?: boolean | null
          is_reckoned?: never
          name?: string | null
          steps?: string[] | null
        }
        Relationships: [
          {
            foreignKeyName: 'recall_types_book_type_fkey'
            columns: ['book_type_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'appointment_types'
            referencedColumns: ['id', 'clinic_id']
          },
          {
            foreignKeyName: 'recall_types_clinic_fkey'
            columns: ['clinic_id']
            isOneToOne: false
            referencedRelation: 'clinics'
            referencedColumns: ['id']
          },
        ]
      }
      recalls: {
        Row: {
          asked: number
          clinic_id: string
          due_on: string
          is_by_hand: boolean
          last_asked_at: string | null
          last_visit_on: string | null
          patient_id: string
          paused_until: string | null
          recall_type_id: string
        }
        ComputedFields: never
        Insert: {
          asked?: number | null
          clinic_id?: string | null
          due_on?: string | null
          is_by_hand?: boolean | null
          last_asked_at?: string | null
          last_visit_on?: string | null
          patient_id?: string | null
          paused_until?: string | null
          recall_type_id?: string | null
        }
        Update: {
          asked?: number | null
          clinic_id?: string | null
          due_on?: string | null
          is_by_hand?: boolean | null
          last_asked_at?: string | null
          last_visit_on?: string | null
          patient_id?: string | null
          paused_until?: string | null
          recall_type_id?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'recalls_patient_fkey'
            columns: ['patient_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'patients'
            referencedColumns: ['id', 'clinic_id']
          },
          {
            foreignKeyName: 'recalls_type_fkey'
            columns: ['recall_type_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'recall_types'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
      resources: {
        Row: {
          clinic_id: string
          id: string
          is_active: boolean
          kind: string
          name: string
        }
        ComputedFields: never
        Insert: {
          clinic_id?: string | null
          id?: string | null
          is_active?: boolean | null
          kind?: string | null
          name?: string | null
        }
        Update: {
          clinic_id?: string | null
          id?: string | null
          is_active?: boolean | null
          kind?: string | null
          name?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'resources_clinic_fkey'
            columns: ['clinic_id']
            isOneToOne: false
            referencedRelation: 'clinics'
            referencedColumns: ['id']
          },
        ]
      }
      slot_reservations: {
        Row: {
          appointment_type_id: string
          clinic_id: string
          dentist_id: string
          ends_at: string
          expires_at: string
          id: string
          patient_id: string | null
          server_now: string | null
          starts_at: string
          waitlist_id: string | null
        }
        ComputedFields: never
        Insert: {
          appointment_type_id?: string | null
          clinic_id?: string | null
          dentist_id?: string | null
          ends_at?: string | null
          expires_at?: string | null
          id?: string | null
          patient_id?: string | null
          server_now?: never
          starts_at?: string | null
          waitlist_id?: string | null
        }
        Update: {
          appointment_type_id?: string | null
          clinic_id?: string | null
          dentist_id?: string | null
          ends_at?: string | null
          expires_at?: string | null
          id?: string | null
          patient_id?: string | null
          server_now?: never
          starts_at?: string | null
          waitlist_id?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'slot_reservations_dentist_fkey'
            columns: ['dentist_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'dentists'
            referencedColumns: ['id', 'clinic_id']
          },
          {
            foreignKeyName: 'slot_reservations_patient_fkey'
            columns: ['patient_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'patients'
            referencedColumns: ['id', 'clinic_id']
          },
          {
            foreignKeyName: 'slot_reservations_type_fkey'
            columns: ['appointment_type_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'appointment_types'
            referencedColumns: ['id', 'clinic_id']
          },
          {
            foreignKeyName: 'slot_reservations_waitlist_fkey'
            columns: ['waitlist_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'waitlist'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
      staff: {
        Row: {
          clinic_id: string
          created_at: string
          full_name: string | null
          role: string
          user_id: string
        }
        ComputedFields: never
        Insert: {
          clinic_id?: string | null
          created_at?: string | null
          full_name?: never
          role?: string | null
          user_id?: string | null
        }
        Update: {
          clinic_id?: string | null
          created_at?: string | null
          full_name?: never
          role?: string | null
          user_id?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'staff_clinic_fkey'
            columns: ['clinic_id']
            isOneToOne: false
            referencedRelation: 'clinics'
            referencedColumns: ['id']
          },
        ]
      }
      time_off: {
        Row: {
          clinic_id: string
          dentist_id: string | null
          ends_at: string | null
          id: string
          is_squeezed: boolean
          reason: string | null
          resource_id: string
          starts_at: string | null
        }
        ComputedFields: never
        Insert: {
          clinic_id?: string | null
          dentist_id?: never
          ends_at?: never
          id?: string | null
          is_squeezed?: boolean | null
          reason?: string | null
          resource_id?: string | null
          starts_at?: never
        }
        Update: {
          clinic_id?: string | null
          dentist_id?: never
          ends_at?: never
          id?: string | null
          is_squeezed?: boolean | null
          reason?: string | null
          resource_id?: string | null
          starts_at?: never
        }
        Relationships: [
          {
            foreignKeyName: 'time_off_resource_fkey'
            columns: ['resource_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'resources'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
      troubled_messages: {
        Row: {
          address: string | null
          appointment_id: string | null
          attempts: number
          channel: string
          clinic_id: string
          created_at: string
          due_at: string
          error: string | null
          id: string
          kind: string
          locale: string | null
          patient_id: string | null
          reason: string | null
          sent_at: string | null
          starts_at: string | null
          state: string | null
        }
        ComputedFields: never
        Insert: {
          address?: string | null
          appointment_id?: string | null
          attempts?: number | null
          channel?: string | null
          clinic_id?: string | null
          created_at?: string | null
          due_at?: string | null
          error?: string | null
          id?: string | null
          kind?: string | null
          locale?: string | null
          patient_id?: string | null
          reason?: string | null
          sent_at?: string | null
          starts_at?: string | null
          state?: never
        }
        Update: {
          address?: string | null
          appointment_id?: string | null
          attempts?: number | null
          channel?: string | null
          clinic_id?: string | null
          created_at?: string | null
          due_at?: string | null
          error?: string | null
          id?: string | null
          kind?: string | null
          locale?: string | null
          patient_id?: string | null
          reason?: string | null
          sent_at?: string | null
          starts_at?: string | null
          state?: never
        }
        Relationships: []
      }
      type_parts: {
        Row: {
          appointment_type_id: string
          clinic_id: string
          lasts: string | null
          needs: string
          only_resources: string[] | null
          part: number
          starts_after: string
        }
        ComputedFields: never
        Insert: {
          appointment_type_id?: string | null
          clinic_id?: string | null
          lasts?: string | null
          needs?: string | null
          only_resources?: string[] | null
          part?: number | null
          starts_after?: string | null
        }
        Update: {
          appointment_type_id?: string | null
          clinic_id?: string | null
          lasts?: string | null
          needs?: string | null
          only_resources?: string[] | null
          part?: number | null
          starts_after?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'type_parts_type_fkey'
            columns: ['appointment_type_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'appointment_types'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
      waitlist: {
        Row: {
          appointment_type_id: string
          clinic_id: string
          created_at: string
          dentist_ids: string[] | null
          ended_at: string | null
          from_date: string
          from_time: string | null
          id: string
          moves_appointment_id: string | null
          offer: Json | null
          offers: number
          outcome: string | null
          patient_id: string
          priority: number
          to_date: string
          to_time: string | null
          weekdays: number[] | null
        }
        ComputedFields: never
        Insert: {
          appointment_type_id?: string | null
          clinic_id?: string | null
          created_at?: string | null
          dentist_ids?: string[] | null
          ended_at?: string | null
          from_date?: string | null
          from_time?: string | null
          id?: string | null
          moves_appointment_id?: string | null
          offer?: never
          offers?: number | null
          outcome?: string | null
          patient_id?: string | null
          priority?: number | null
          to_date?: string | null
          to_time?: string | null
          weekdays?: number[] | null
        }
        Update: {
          appointment_type_id?: string | null
          clinic_id?: string | null
          created_at?: string | null
          dentist_ids?: string[] | null
          ended_at?: string | null
          from_date?: string | null
          from_time?: string | null
          id?: string | null
          moves_appointment_id?: string | null
          offer?: never
          offers?: number | null
          outcome?: string | null
          patient_id?: string | null
          priority?: number | null
          to_date?: string | null
          to_time?: string | null
          weekdays?: number[] | null
        }
        Relationships: [
          {
            foreignKeyName: 'waitlist_patient_fkey'
            columns: ['patient_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'patients'
            referencedColumns: ['id', 'clinic_id']
          },
          {
            foreignKeyName: 'waitlist_type_fkey'
            columns: ['appointment_type_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'appointment_types'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
      working_hours: {
        Row: {
          clinic_id: string
          closes: string
          dentist_id: string
          id: string
          opens: string
          valid_from: string | null
          valid_until: string | null
          weekday: number
        }
        ComputedFields: never
        Insert: {
          clinic_id?: string | null
          closes?: string | null
          dentist_id?: string | null
          id?: string | null
          opens?: string | null
          valid_from?: string | null
          valid_until?: string | null
          weekday?: number | null
        }
        Update: {
          clinic_id?: string | null
          closes?: string | null
          dentist_id?: string | null
          id?: string | null
          opens?: string | null
          valid_from?: string | null
          valid_until?: string | null
          weekday?: number | null
        }
        Relationships: [
          {
            foreignKeyName: 'working_hours_dentist_fkey'
            columns: ['dentist_id', 'clinic_id']
            isOneToOne: false
            referencedRelation: 'dentists'
            referencedColumns: ['id', 'clinic_id']
          },
        ]
      }
    }
    Functions: {
      absence_worklist: {
        Args: { clinic_id: string; dentist_id?: string; ends_at: string; starts_at: string }
        Returns: Json
      }
      accept_staff_invitation: { Args: { code: string }; Returns: Json }
      add_dependant: {
        Args: { birth_date: string; clinic_id: string; full_name: string; relation?: string }
        Returns: {
          birth_date: string | null
          clinic_id: string
          created_at: string
          email: string | null
          erased_at: string | null
          full_name: string
          id: string
          locale: string | null
          merged_into: string | null
          muted_channels: string[]
          phone: string | null
          staff_notes: string | null
          user_id: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'patients'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      add_extra_hours: {
        Args: { clinic_id?: string; dentist_id: string; ends_at: string; starts_at: string }
        Returns: {
          clinic_id: string
          dentist_id: string
          ends_at: string | null
          id: string
          starts_at: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'extra_hours'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      add_time_off: {
        Args: {
          clinic_id: string
          dentist_id?: string
          dry_run?: boolean
          ends_at: string
          on_conflict?: string
          reason?: string
          resource_id?: string
          starts_at: string
        }
        Returns: Json
      }
      appointment_history: {
        Args: { appointment_id: string }
        Returns: Database['api']['CompositeTypes']['history_entry'][]
        SetofOptions: {
          from: '*'
          to: 'history_entry'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      available_slots: {
        Args: {
          appointment_id?: string
          appointment_type_id: string
          dentist_id?: string
          from_date: string
          to_date?: string
        }
        Returns: Database['api']['CompositeTypes']['slot'][]
        SetofOptions: {
          from: '*'
          to: 'slot'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      book_appointment: {
        Args: {
          appointment_type_id: string
          dentist_id?: string
          idempotency_key?: string
          notes?: string
          patient_id?: string
          squeeze_in?: boolean
          starts_at: string
        }
        Returns: {
          appointment_type_id: string
          assigned: string
          cancellation_reason: string | null
          cancelled_at: string | null
          changeable_until: string | null
          clinic_id: string
          confirmed_at: string | null
          created_at: string
          dentist_id: string
          ends_at: string
          id: string
          is_squeezed: boolean
          notes: string | null
          patient_id: string
          series_id: string | null
          source: string
          staff_notes: string | null
          starts_at: string
          status: string
          updated_at: string
          version: number
        }
        SetofOptions: {
          from: '*'
          to: 'appointments'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      book_family: {
        Args: { idempotency_key?: string; visits: Json }
        Returns: {
          appointment_type_id: string
          assigned: string
          cancellation_reason: string | null
          cancelled_at: string | null
          changeable_until: string | null
          clinic_id: string
          confirmed_at: string | null
          created_at: string
          dentist_id: string
          ends_at: string
          id: string
          is_squeezed: boolean
          notes: string | null
          patient_id: string
          series_id: string | null
          source: string
          staff_notes: string | null
          starts_at: string
          status: string
          updated_at: string
          version: number
        }[]
        SetofOptions: {
          from: '*'
          to: 'appointments'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      book_series: {
        Args: {
          appointment_type_id: string
          dentist_id?: string
          dry_run?: boolean
          every: string
          idempotency_key?: string
          occurrences: number
          on_conflict?: string
          patient_id?: string
          starts_at: string
        }
        Returns: Json
      }
      cancel_appointment: {
        Args: { appointment_id: string; expected_version?: number; reason?: string }
        Returns: {
          appointment_type_id: string
          assigned: string
          cancellation_reason: string | null
          cancelled_at: string | null
          changeable_until: string | null
          clinic_id: string
          confirmed_at: string | null
          created_at: string
          dentist_id: string
          ends_at: string
          id: string
          is_squeezed: boolean
          notes: string | null
          patient_id: string
          series_id: string | null
          source: string
          staff_notes: string | null
          starts_at: string
          status: string
          updated_at: string
          version: number
        }
        SetofOptions: {
          from: '*'
          to: 'appointments'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      cancel_series: { Args: { from_time?: string; series_id: string }; Returns: Json }
      chatbot_cancel: { Args: { confirmation_code: string; patient_phone: string }; Returns: Json }
      chatbot_confirm: { Args: { reservation_id: string }; Returns: Json }
      chatbot_find_slots: {
        Args: {
          clinic_slug: string
          dentist?: string
          from_date?: string
          max_results?: number
          part_of_day?: string
          service?: string
        }
        Returns: Json
      }
      chatbot_hold: { Args: { offer: string; patient_name?: string; patient_phone?: string }; Returns: Json }
      chatbot_join_waitlist: {
        Args: {
          clinic_slug: string
          dentist?: string
          from_date?: string
          part_of_day?: string
          patient_name: string
          patient_phone: string
          service: string
          to_date?: string
          weekdays?: number[]
        }
        Returns: Json
      }
      chatbot_release: { Args: { reservation_id: string }; Returns: Json }
      chatbot_reschedule: {
        Args: { confirmation_code: string; offer: string; patient_phone: string }
        Returns: Json
      }
      chatbot_wish: { Args: { wish: string }; Returns: Json }
      claim_patient: { Args: { birth_date?: string; code: string }; Returns: Json }
      clinic_day: { Args: { clinic_id: string; day: string }; Returns: Json }
      clinic_time: { Args: { clinic_id: string; instants?: Json; wall_times?: Json }; Returns: Json }
      confirm_attendance: {
        Args: { appointment_id: string }
        Returns: {
          appointment_type_id: string
          assigned: string
          cancellation_reason: string | null
          cancelled_at: string | null
          changeable_until: string | null
          clinic_id: string
          confirmed_at: string | null
          created_at: string
          dentist_id: string
          ends_at: string
          id: string
          is_squeezed: boolean
          notes: string | null
          patient_id: string
          series_id: string | null
          source: string
          staff_notes: string | null
          starts_at: string
          status: string
          updated_at: string
          version: number
        }
        SetofOptions: {
          from: '*'
          to: 'appointments'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      confirm_reservation: {
        Args: { idempotency_key?: string; notes?: string; patient_id?: string; reservation_id: string }
        Returns: {
          appointment_type_id: string
          assigned: string
          cancellation_reason: string | null
          cancelled_at: string | null
          changeable_until: string | null
          clinic_id: string
          confirmed_at: string | null
          created_at: string
          dentist_id: string
          ends_at: string
          id: string
          is_squeezed: boolean
          notes: string | null
          patient_id: string
          series_id: string | null
          source: string
          staff_notes: string | null
          starts_at: string
          status: string
          updated_at: string
          version: number
        }
        SetofOptions: {
          from: '*'
          to: 'appointments'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_appointment_type: {
        Args: {
          audience?: string
          booking_horizon?: string
          buffer_after?: string
          buffer_before?: string
          clinic_id: string
          dentist_ids?: string[]
          duration: string
          max_per_day?: number
          min_notice?: string
          name: string
          slot_interval?: string
        }
        Returns: {
          audience: string
          booking_horizon: string | null
          buffer_after: string
          buffer_before: string
          clinic_id: string
          duration: string
          id: string
          is_active: boolean
          max_per_day: number | null
          min_notice: string | null
          name: string
          slot_interval: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'appointment_types'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_clinic: {
        Args: { name: string; slug: string; time_zone: string }
        Returns: {
          address: string | null
          audit_retention: string
          booking_horizon: string
          cancel_grace: string
          cancellation_notice: string
          email: string | null
          hold_duration: string
          id: string
          locale: string
          max_active_holds: number
          max_chatbot_bookings_per_hour: number
          max_holds_per_hour: number
          max_offers: number
          max_upcoming: number
          max_waitlist_offers: number
          min_notice: string
          name: string
          offer_duration: string
          offer_lead: string
          patient_retention: string
          phone: string | null
          quiet_from: string
          quiet_until: string
          require_mfa: boolean
          slot_interval: string
          slug: string
          time_zone: string
        }
        SetofOptions: {
          from: '*'
          to: 'clinics'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_dentist: {
        Args: {
          appointment_type_ids?: string[]
          bio?: string
          clinic_id: string
          dentist_id?: string
          full_name: string
          profession?: string
          specialty?: string
          user_id?: string
        }
        Returns: {
          bio: string | null
          clinic_id: string
          full_name: string
          id: string
          is_active: boolean
          profession: string
          specialty: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'dentists'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_patient: {
        Args: {
          birth_date?: string
          clinic_id: string
          email?: string
          full_name: string
          phone?: string
          staff_notes?: string
          user_id?: string
        }
        Returns: {
          birth_date: string | null
          clinic_id: string
          created_at: string
          email: string | null
          erased_at: string | null
          full_name: string
          id: string
          locale: string | null
          merged_into: string | null
          muted_channels: string[]
          phone: string | null
          staff_notes: string | null
          user_id: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'patients'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_resource: {
        Args: { clinic_id: string; kind: string; name: string }
        Returns: {
          clinic_id: string
          id: string
          is_active: boolean
          kind: string
          name: string
        }
        SetofOptions: {
          from: '*'
          to: 'resources'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      due_recalls: {
        Args: { clinic_id: string; until?: string }
        Returns: Database['api']['CompositeTypes']['due_recall'][]
        SetofOptions: {
          from: '*'
          to: 'due_recall'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      erase_me: { Args: Record<PropertyKey, never>; Returns: Json }
      erase_patient: { Args: { patient_id: string; reason: string }; Returns: Json }
      events_since: {
        Args: { after_id: number; max_events?: number; topic: string }
        Returns: Database['api']['CompositeTypes']['event'][]
        SetofOptions: {
          from: '*'
          to: 'event'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      explain_slot: {
        Args: { appointment_id?: string; appointment_type_id: string; dentist_id?: string; starts_at: string }
        Returns: Json
      }
      export_me: { Args: Record<PropertyKey, never>; Returns: Json }
      get_availability: { Args: { clinic_id?: string; dentist_id: string }; Returns: Json }
      grant_staff_role: {
        Args: { clinic_id: string; on_conflict?: string; role: string; user_id: string }
        Returns: {
          clinic_id: string
          created_at: string
          full_name: string | null
          role: string
          user_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'staff'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      handle_reply: {
        Args: { answer?: string; reply_id: string }
        Returns: {
          answer: string | null
          appointment_id: string | null
          body: string | null
          clinic_id: string | null
          handled_at: string | null
          handled_by: string | null
          id: string
          means: string
          outcome: string | null
          patient_id: string | null
          phone: string | null
          received_at: string
        }
        SetofOptions: {
          from: '*'
          to: 'message_replies'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      health: { Args: Record<PropertyKey, never>; Returns: Json }
      invite_patient: { Args: { patient_id: string; relation?: string }; Returns: Json }
      invite_staff: {
        Args: { clinic_id: string; dentist_id?: string; email: string; role: string }
        Returns: Json
      }
      join_waitlist: {
        Args: {
          appointment_id?: string
          appointment_type_id: string
          dentist_ids?: string[]
          from_date?: string
          from_time?: string
          patient_id?: string
          priority?: number
          to_date?: string
          to_time?: string
          weekdays?: number[]
        }
        Returns: {
          appointment_type_id: string
          clinic_id: string
          created_at: string
          dentist_ids: string[] | null
          ended_at: string | null
          from_date: string
          from_time: string | null
          id: string
          moves_appointment_id: string | null
          offer: Json | null
          offers: number
          outcome: string | null
          patient_id: string
          priority: number
          to_date: string
          to_time: string | null
          weekdays: number[] | null
        }
        SetofOptions: {
          from: '*'
          to: 'waitlist'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      leave_waitlist: {
        Args: { waitlist_id: string }
        Returns: {
          appointment_type_id: string
          clinic_id: string
          created_at: string
          dentist_ids: string[] | null
          ended_at: string | null
          from_date: string
          from_time: string | null
          id: string
          moves_appointment_id: string | null
          offer: Json | null
          offers: number
          outcome: string | null
          patient_id: string
          priority: number
          to_date: string
          to_time: string | null
          weekdays: number[] | null
        }
        SetofOptions: {
          from: '*'
          to: 'waitlist'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      link_slots: {
        Args: { from_date: string; to_date?: string; token: string }
        Returns: Database['api']['CompositeTypes']['slot'][]
        SetofOptions: {
          from: '*'
          to: 'slot'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      longest_answer: { Args: Record<PropertyKey, never>; Returns: number[] }
      me: { Args: Record<PropertyKey, never>; Returns: Json }
      merge_patients: {
        Args: { keep_id: string; merge_id: string }
        Returns: {
          birth_date: string | null
          clinic_id: string
          created_at: string
          email: string | null
          erased_at: string | null
          full_name: string
          id: string
          locale: string | null
          merged_into: string | null
          muted_channels: string[]
          phone: string | null
          staff_notes: string | null
          user_id: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'patients'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      message_contacts: {
        Args: { patient_id: string }
        Returns: Database['api']['CompositeTypes']['message_contact'][]
        SetofOptions: {
          from: '*'
          to: 'message_contact'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      move_to_resource: {
        Args: { appointment_id: string; part: number; resource_id: string }
        Returns: {
          appointment_type_id: string
          assigned: string
          cancellation_reason: string | null
          cancelled_at: string | null
          changeable_until: string | null
          clinic_id: string
          confirmed_at: string | null
          created_at: string
          dentist_id: string
          ends_at: string
          id: string
          is_squeezed: boolean
          notes: string | null
          patient_id: string
          series_id: string | null
          source: string
          staff_notes: string | null
          starts_at: string
          status: string
          updated_at: string
          version: number
        }
        SetofOptions: {
          from: '*'
          to: 'appointments'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      next_slots: {
        Args: {
          appointment_id?: string
          appointment_type_id: string
          dentist_id?: string
          from_time?: string
          max_results?: number
          part_of_day?: string
        }
        Returns: Database['api']['CompositeTypes']['slot'][]
        SetofOptions: {
          from: '*'
          to: 'slot'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      next_steps: { Args: { appointment_id: string }; Returns: Json }
      open_link: { Args: { token: string }; Returns: Json }
      preview_message: {
        Args: {
          appointment_id?: string
          body?: string
          channel: string
          clinic_id: string
          kind: string
          locale?: string
          subject?: string
        }
        Returns: Json
      }
      receive_reply: {
        Args: { body: string; message_ref: string; phone: string; sender: string }
        Returns: Json
      }
      release_reservation: { Args: { reservation_id: string }; Returns: boolean }
      remove_dependant: { Args: { patient_id: string; user_id?: string }; Returns: boolean }
      remove_extra_hours: { Args: { extra_hours_id: string }; Returns: boolean }
      remove_time_off: { Args: { time_off_id: string }; Returns: boolean }
      reschedule_appointment: {
        Args: {
          appointment_id: string
          dentist_id?: string
          expected_version?: number
          idempotency_key?: string
          starts_at: string
        }
        Returns: {
          appointment_type_id: string
          assigned: string
          cancellation_reason: string | null
          cancelled_at: string | null
          changeable_until: string | null
          clinic_id: string
          confirmed_at: string | null
          created_at: string
          dentist_id: string
          ends_at: string
          id: string
          is_squeezed: boolean
          notes: string | null
          patient_id: string
          series_id: string | null
          source: string
          staff_notes: string | null
          starts_at: string
          status: string
          updated_at: string
          version: number
        }
        SetofOptions: {
          from: '*'
          to: 'appointments'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      resend_message: {
        Args: { message_id: string }
        Returns: {
          address: string | null
          appointment_id: string | null
          attempts: number
          channel: string
          clinic_id: string
          created_at: string
          due_at: string
          error: string | null
          id: string
          kind: string
          locale: string | null
          patient_id: string | null
          reason: string | null
          sent_at: string | null
          starts_at: string | null
          state: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'messages'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      reserve_slot: {
        Args: {
          appointment_type_id: string
          dentist_id?: string
          idempotency_key?: string
          patient_id?: string
          starts_at: string
        }
        Returns: {
          appointment_type_id: string
          clinic_id: string
          dentist_id: string
          ends_at: string
          expires_at: string
          id: string
          patient_id: string | null
          server_now: string | null
          starts_at: string
          waitlist_id: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'slot_reservations'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      resize_appointment: {
        Args: { appointment_id: string; ends_at: string; expected_version?: number }
        Returns: {
          appointment_type_id: string
          assigned: string
          cancellation_reason: string | null
          cancelled_at: string | null
          changeable_until: string | null
          clinic_id: string
          confirmed_at: string | null
          created_at: string
          dentist_id: string
          ends_at: string
          id: string
          is_squeezed: boolean
          notes: string | null
          patient_id: string
          series_id: string | null
          source: string
          staff_notes: string | null
          starts_at: string
          status: string
          updated_at: string
          version: number
        }
        SetofOptions: {
          from: '*'
          to: 'appointments'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      revoke_invitation: { Args: { invitation_id: string }; Returns: boolean }
      revoke_staff_role: {
        Args: { clinic_id: string; on_conflict?: string; user_id: string }
        Returns: boolean
      }
      search_patients: {
        Args: { clinic_id: string; max_results?: number; query: string }
        Returns: Database['api']['CompositeTypes']['found_patient'][]
        SetofOptions: {
          from: '*'
          to: 'found_patient'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      send_test_message: {
        Args: {
          body?: string
          channel: string
          clinic_id: string
          kind: string
          locale?: string
          subject?: string
        }
        Returns: Json
      }
      set_appointment_status: {
        Args: { appointment_id: string; expected_version?: number; status: string }
        Returns: {
          appointment_type_id: string
          assigned: string
          cancellation_reason: string | null
          cancelled_at: string | null
          changeable_until: string | null
          clinic_id: string
          confirmed_at: string | null
          created_at: string
          dentist_id: string
          ends_at: string
          id: string
          is_squeezed: boolean
          notes: string | null
          patient_id: string
          series_id: string | null
          source: string
          staff_notes: string | null
          starts_at: string
          status: string
          updated_at: string
          version: number
        }
        SetofOptions: {
          from: '*'
          to: 'appointments'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      set_availability: {
        Args: { clinic_id?: string; dentist_id: string; dry_run?: boolean; weekly: Json }
        Returns: Json
      }
      set_dentist_types: {
        Args: { appointment_type_ids: string[]; clinic_id?: string; dentist_id: string; durations?: Json }
        Returns: {
          appointment_type_id: string
          clinic_id: string
          dentist_id: string
          duration: string | null
        }[]
        SetofOptions: {
          from: '*'
          to: 'dentist_types'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      set_message_consent: {
        Args: { channel: string; is_wanted: boolean; patient_id: string }
        Returns: {
          birth_date: string | null
          clinic_id: string
          created_at: string
          email: string | null
          erased_at: string | null
          full_name: string
          id: string
          locale: string | null
          merged_into: string | null
          muted_channels: string[]
          phone: string | null
          staff_notes: string | null
          user_id: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'patients'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      set_message_rules: {
        Args: { clinic_id: string; rules: Json }
        Returns: {
          channel: string
          clinic_id: string
          id: string
          kind: string
          lead: string
        }[]
        SetofOptions: {
          from: '*'
          to: 'message_rules'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      set_message_template: {
        Args: {
          body?: string
          channel: string
          clinic_id: string
          kind: string
          locale: string
          subject?: string
        }
        Returns: {
          body: string
          channel: string
          clinic_id: string
          kind: string
          locale: string
          subject: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'message_templates'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      set_recall: {
        Args: { due_on?: string; patient_id: string; paused_until?: string; recall_type_id: string }
        Returns: {
          asked: number
          clinic_id: string
          due_on: string
          is_by_hand: boolean
          last_asked_at: string | null
          last_visit_on: string | null
          patient_id: string
          paused_until: string | null
          recall_type_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'recalls'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      set_recall_types: {
        Args: { clinic_id: string; recall_types: Json }
        Returns: {
          after_type_ids: string[]
          ask_before: string
          book_type_id: string
          clinic_id: string
          every: string
          id: string
          is_active: boolean
          is_reckoned: boolean | null
          name: string
          steps: string[]
        }[]
        SetofOptions: {
          from: '*'
          to: 'recall_types'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      set_visit_parts: {
        Args: { appointment_type_id: string; parts: Json }
        Returns: {
          appointment_type_id: string
          clinic_id: string
          lasts: string | null
          needs: string
          only_resources: string[] | null
          part: number
          starts_after: string
        }[]
        SetofOptions: {
          from: '*'
          to: 'type_parts'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      similar_patients: {
        Args: { birth_date?: string; clinic_id: string; email?: string; full_name: string; phone?: string }
        Returns: Database['api']['CompositeTypes']['found_patient'][]
        SetofOptions: {
          from: '*'
          to: 'found_patient'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      swap_appointments: {
        Args: { appointment_id: string; other_id: string }
        Returns: {
          appointment_type_id: string
          assigned: string
          cancellation_reason: string | null
          cancelled_at: string | null
          changeable_until: string | null
          clinic_id: string
          confirmed_at: string | null
          created_at: string
          dentist_id: string
          ends_at: string
          id: string
          is_squeezed: boolean
          notes: string | null
          patient_id: string
          series_id: string | null
          source: string
          staff_notes: string | null
          starts_at: string
          status: string
          updated_at: string
          version: number
        }[]
        SetofOptions: {
          from: '*'
          to: 'appointments'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      unconfirmed: {
        Args: { clinic_id: string; day: string }
        Returns: Database['api']['CompositeTypes']['unconfirmed_visit'][]
        SetofOptions: {
          from: '*'
          to: 'unconfirmed_visit'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      update_appointment: {
        Args: { appointment_id: string; expected_version?: number; notes?: string; staff_notes?: string }
        Returns: {
          appointment_type_id: string
          assigned: string
          cancellation_reason: string | null
          cancelled_at: string | null
          changeable_until: string | null
          clinic_id: string
          confirmed_at: string | null
          created_at: string
          dentist_id: string
          ends_at: string
          id: string
          is_squeezed: boolean
          notes: string | null
          patient_id: string
          series_id: string | null
          source: string
          staff_notes: string | null
          starts_at: string
          status: string
          updated_at: string
          version: number
        }
        SetofOptions: {
          from: '*'
          to: 'appointments'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_appointment_type: {
        Args: {
          appointment_type_id: string
          audience?: string
          booking_horizon?: string
          buffer_after?: string
          buffer_before?: string
          clear?: string[]
          dentist_ids?: string[]
          duration?: string
          is_active?: boolean
          max_per_day?: number
          min_notice?: string
          name?: string
          on_conflict?: string
          slot_interval?: string
        }
        Returns: {
          audience: string
          booking_horizon: string | null
          buffer_after: string
          buffer_before: string
          clinic_id: string
          duration: string
          id: string
          is_active: boolean
          max_per_day: number | null
          min_notice: string | null
          name: string
          slot_interval: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'appointment_types'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_clinic: {
        Args: {
          address?: string
          clear?: string[]
          clinic_id: string
          dry_run?: boolean
          email?: string
          name?: string
          phone?: string
          time_zone?: string
        }
        Returns: Json
      }
      update_clinic_policy: {
        Args: {
          audit_retention?: string
          booking_horizon?: string
          cancel_grace?: string
          cancellation_notice?: string
          clinic_id: string
          hold_duration?: string
          locale?: string
          max_active_holds?: number
          max_chatbot_bookings_per_hour?: number
          max_holds_per_hour?: number
          max_offers?: number
          max_upcoming?: number
          max_waitlist_offers?: number
          min_notice?: string
          offer_duration?: string
          offer_lead?: string
          patient_retention?: string
          quiet_from?: string
          quiet_until?: string
          require_mfa?: boolean
          slot_interval?: string
        }
        Returns: {
          address: string | null
          audit_retention: string
          booking_horizon: string
          cancel_grace: string
          cancellation_notice: string
          email: string | null
          hold_duration: string
          id: string
          locale: string
          max_active_holds: number
          max_chatbot_bookings_per_hour: number
          max_holds_per_hour: number
          max_offers: number
          max_upcoming: number
          max_waitlist_offers: number
          min_notice: string
          name: string
          offer_duration: string
          offer_lead: string
          patient_retention: string
          phone: string | null
          quiet_from: string
          quiet_until: string
          require_mfa: boolean
          slot_interval: string
          slug: string
          time_zone: string
        }
        SetofOptions: {
          from: '*'
          to: 'clinics'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_dentist: {
        Args: {
          bio?: string
          clinic_id?: string
          dentist_id: string
          full_name?: string
          is_active?: boolean
          on_conflict?: string
          profession?: string
          specialty?: string
          user_id?: string
        }
        Returns: {
          bio: string | null
          clinic_id: string
          full_name: string
          id: string
          is_active: boolean
          profession: string
          specialty: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'dentists'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_me: {
        Args: { email?: string; full_name?: string; locale?: string; phone?: string }
        Returns: Json
      }
      update_patient: {
        Args: {
          birth_date?: string
          email?: string
          full_name?: string
          locale?: string
          patient_id: string
          phone?: string
          staff_notes?: string
        }
        Returns: {
          birth_date: string | null
          clinic_id: string
          created_at: string
          email: string | null
          erased_at: string | null
          full_name: string
          id: string
          locale: string | null
          merged_into: string | null
          muted_channels: string[]
          phone: string | null
          staff_notes: string | null
          user_id: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'patients'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_resource: {
        Args: { is_active?: boolean; name?: string; on_conflict?: string; resource_id: string }
        Returns: {
          clinic_id: string
          id: string
          is_active: boolean
          kind: string
          name: string
        }
        SetofOptions: {
          from: '*'
          to: 'resources'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      use_link: {
        Args: { action: string; dentist_id?: string; note?: string; starts_at?: string; token: string }
        Returns: Json
      }
    }
    Enums: {
      [_ in never]: never
    }
    CompositeTypes: {
      due_recall: {
        patient_id: string | null
        patient_name: string | null
        phone: string | null
        email: string | null
        recall_type_id: string | null
        recall_type: string | null
        appointment_type_id: string | null
        due_on: string | null
        last_visit_on: string | null
        asked: number | null
        last_asked_at: string | null
        link: string | null
      }
      event: {
        id: number | null
        occurred_at: string | null
        event: string | null
        dentist_id: string | null
        dentist_seq: number | null
        payload: Json | null
      }
      found_patient: {
        id: string | null
        clinic_id: string | null
        user_id: string | null
        full_name: string | null
        phone: string | null
        email: string | null
        birth_date: string | null
        staff_notes: string | null
        next_visit: string | null
        last_visit: string | null
      }
      history_entry: {
        at: string | null
        actor: string | null
        actor_name: string | null
        role: string | null
        via: string | null
        action: string | null
        changes: Json | null
      }
      message_contact: {
        channel: string | null
        is_wanted: boolean | null
        address: string | null
        locale: string | null
      }
      slot: {
        dentist_id: string | null
        starts_at: string | null
        ends_at: string | null
      }
      unconfirmed_visit: {
        appointment_id: string | null
        patient_id: string | null
        full_name: string | null
        phone: string | null
        starts_at: string | null
        dentist_id: string | null
        appointment_type_id: string | null
        last_message: string | null
        last_message_at: string | null
        last_kind: string | null
        last_channel: string | null
        last_reason: string | null
      }
    }
  }
}

type DatabaseWithoutInternals = Omit<Database, '__InternalSupabase'>

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, 'api'>]

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema['Tables'] & DefaultSchema['Views'])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends (DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'] &
        DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Views'])
    : never) = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'] &
      DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Views'])[TableName] extends {
      Row: infer R
    }
    ? R
    : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema['Tables'] & DefaultSchema['Views'])
    ? (DefaultSchema['Tables'] & DefaultSchema['Views'])[DefaultSchemaTableNameOrOptions] extends {
        Row: infer R
      }
      ? R
      : never
    : never

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema['Tables']
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends (DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables']
    : never) = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'][TableName] extends {
      Insert: infer I
    }
    ? I
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables']
    ? DefaultSchema['Tables'][DefaultSchemaTableNameOrOptions] extends {
        Insert: infer I
      }
      ? I
      : never
    : never

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema['Tables']
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends (DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables']
    : never) = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'][TableName] extends {
      Update: infer U
    }
    ? U
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables']
    ? DefaultSchema['Tables'][DefaultSchemaTableNameOrOptions] extends {
        Update: infer U
      }
      ? U
      : never
    : never

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema['Enums']
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends (DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions['schema']]['Enums']
    : never) = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions['schema']]['Enums'][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema['Enums']
    ? DefaultSchema['Enums'][DefaultSchemaEnumNameOrOptions]
    : never

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema['CompositeTypes']
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends (PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions['schema']]['CompositeTypes']
    : never) = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions['schema']]['CompositeTypes'][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema['CompositeTypes']
    ? DefaultSchema['CompositeTypes'][PublicCompositeTypeNameOrOptions]
    : never

export const Constants = {
  api: {
    Enums: {},
  },
} as const
