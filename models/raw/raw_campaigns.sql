{{ lake_rows(ref('lake_days')) }}
