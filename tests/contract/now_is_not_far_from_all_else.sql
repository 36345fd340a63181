{{ config(
    severity='warn',
    description='The newest records, ' ~ var('far_record_maximum') ~ ' at most (far_record_maximum), lie more than '
        ~ var('far_gap_days') ~ ' days (far_gap_days) after all else, and make it now. If a date is wrong, correct it.
        An export with such a record is built, but adds nothing to the history.'
) }}

select * from {{ ref('int_far_records') }}
