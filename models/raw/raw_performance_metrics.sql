{{ config(materialized = 'view') }}

{{ lake_rows(ref('lake_days')) }}
