{#-
  No field of a staged dataset is null, but for those that its declaration calls nullable or
  optional (seeds/orchestrator/_orchestrator__seeds.yml), and the field that identifies a record is
  not blank. One scan of the dataset as it arrived.
-#}
{% test required_fields_are_present(model, dataset) %}
    {%- set name = "raw_" ~ dataset %}
    {%- set raw = ref(name) %}
    {%- set required = [] %}
    {%- for node in graph.get('nodes', {}).values() if node.name == name %}
        {%- for column in node.columns.values() if not column.config.meta.nullable and not column.config.meta.optional %}
            {%- do required.append(adapter.quote(column.name) ~ " is null") %}
        {%- endfor %}
        {%- if node.config.meta.id %}
            {%- do required.append(blank_to_null(adapter.quote(node.config.meta.id)) ~ " is null") %}
        {%- endif %}
    {%- endfor %}

    select *
    from {{ raw }}
    where {{ required | join(" or ") or "1 = 2" }}
{% endtest %}
