{#-
  When something happened lies within 2000 to 2099; a null passes. What lies outside is a placeholder
  (0001, 1970, 9999), and the newest event of all becomes the warehouse's "now".
-#}
{% test is_an_event_time(model, column_name) %}
    select *
    from {{ model }}
    where
        {{ column_name }} < cast('2000-01-01' as timestamp)
        or {{ column_name }} >= cast('2100-01-01' as timestamp)
{% endtest %}
