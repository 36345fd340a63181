{#-
  No field of a staged dataset is null, but for those that its declaration calls nullable or
  optional (seeds/orchestrator/_orchestrator__seeds.yml), and the field that identifies a record is
  not blank. One scan of the dataset as it arrived; `missing_fields` says which they are.
-#}
{% test required_fields_are_present(model, dataset) %}
    {%- set raw = arrived(ref('raw_' ~ dataset)) %}
    {%- set missing = [] %}
    {%- for column in raw_node(dataset).columns.values() %}
        {%- set value = adapter.quote(column.name) %}
        {%- if column.name == raw_node(dataset).config.meta.id %}
            {%- set value = blank_to_null(value) %}
        {%- endif %}
        {%- if not column.config.meta.nullable and not column.config.meta.optional %}
            {%- do missing.append("case when " ~ value ~ " is null then '" ~ column.name ~ "' end") %}
        {%- endif %}
    {%- endfor %}

    select *
    from (
        select
            {{ joined_reasons(missing) if missing else "''" }} as missing_fields,
            *
        from {{ raw }}
    ) as checked
    where missing_fields <> ''
{% endtest %}
