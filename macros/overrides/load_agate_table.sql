{#-
  dbt's own reader of seeds, with each column's declared type. Without it, dbt guesses types and
  fails on a text such as 1e999999999, which looks like a number but is too large for one.
-#}
{% macro load_agate_table() %}
    {%- for column in model.columns -%}
        {%- do config.model.config.column_types.update({column: seed_column_type(model, column)}) -%}
    {%- endfor -%}
    {{ return(builtins.load_agate_table()) }}
{% endmacro %}
