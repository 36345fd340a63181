{#-
  What stands in each column, where anything does, is in the column of a dimension that it names (dim_channels.channel_id):
  the key that the published table declares; see warehouse/dbt/keys.py. As `relationships`, but one test for all
  columns of a fact, since each test takes dbt-core some 20 ms. Rows say what fails as those of `values_are_accepted` do.
  It warns, since an export can have performance from before its asset was created, which looking back is not known then.
-#}
{% test foreign_keys(model, columns) %}
    {{- config(severity='warn') }}
    {%- for column, key in columns.items() %}
        {%- set dimension, member = key.split(".") %}

    select
        '{{ column }}' as failed_column,
        'a {{ member }} of {{ dimension }}' as allowed,
        fact.*
    from (select * from {{ model }}) as fact
    left join {{ ref(dimension) }} as dimension
        on fact.{{ column }} = dimension.{{ member }}
    where
        fact.{{ column }} is not null
        and dimension.{{ member }} is null
        {{- "\n\n    union all" if not loop.last }}
    {%- endfor %}
{% endtest %}
