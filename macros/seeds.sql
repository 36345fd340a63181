{#- What the overrides for seeds share. -#}

{#- A column's type as its YAML declares it, text where it declares none. -#}
{% macro seed_column_type(model, column) -%}
    {{ return((model.columns.get(column) or {}).get('data_type') or 'string') }}
{%- endmacro %}


{#- What to do about a seed's file that is wrong. -#}
{% macro seed_advice(model) -%}
    {{ return(
        "`warehouse seeds` writes it: run that."
        if model.name.startswith("raw_")
        else "Its first line names the columns, and commas separate them."
    ) }}
{%- endmacro %}
