{#-
  No field of a staged dataset is null, except fields declared as nullable or optional
  (seeds/orchestrator/_orchestrator__seeds.yml), and the field that identifies a record is not blank.
  One scan of the raw dataset; `missing_fields` names the fields.
-#}
{% test required_fields_are_present(model, dataset) %}
    {%- set raw = ref('raw_' ~ dataset) %}
    {%- set missing = [] %}
    {%- set reasons = [] %}
    {%- for column in raw_node(dataset).columns.values() %}
        {%- set value = adapter.quote(column.name) %}
        {%- if column.name == raw_node(dataset).config.meta.id %}
            {%- set value = blank_to_null(value) %}
        {%- endif %}
        {%- if not column.config.meta.nullable and not column.config.meta.optional %}
            {%- do missing.append(value ~ " is null") %}
            {%- do reasons.append("case when " ~ value ~ " is null then '" ~ column.name ~ "' end") %}
        {%- endif %}
    {%- endfor %}

    select
        {{ joined_reasons(reasons) if reasons else "''" }} as missing_fields,
        *
    from {{ get_where_subquery(raw) if reads_lake() else raw }}
    where {{ missing | join(" or ") or "false" }}
{% endtest %}
