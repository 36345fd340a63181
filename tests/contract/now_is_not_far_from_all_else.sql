{{ config(
    severity='warn',
    description='The latest records, at most ' ~ var('far_record_maximum') ~ ' (far_record_maximum), are more than '
        ~ var('far_gap_days') ~ ' days (far_gap_days) after all others, and set the as-of. If a date is wrong, correct it.
        An export with such a record is built, but adds nothing to the history.'
) }}

select * from {{ ref('int_far_records') }}
