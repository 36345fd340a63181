{#-
  dbt's own reader of seeds, told each column's type as if it were configured. Else it guesses, and
  fails on a text that could be a number but is too large for one, such as 1e999999999.
-#}
{% macro load_agate_table() %}
    {%- for column in model.columns -%}
        {%- do config.model.config.column_types.update({column: seed_column_type(model, column)}) -%}
    {%- endfor -%}
    {{ return(builtins.load_agate_table()) }}
{% endmacro %}
