{#- Texts that several models show. -#}

{#- A label, followed by the id where another row of the query has the same label. -#}
{% macro unique_label(label, id) -%}
    {{ label }} || case when count(*) over (partition by {{ label }}) > 1 then ' (' || {{ id }} || ')' else '' end
{%- endmacro %}


{#- What a fact finds its row of dim_experiments by, where it may belong to no experiment. -#}
{% macro experiment_key(experiment_id) -%}
    coalesce({{ experiment_id }}, 'none')
{%- endmacro %}


{#- The columns that are not null, separated by semicolons. -#}
{% macro joined_reasons(columns) -%}
    concat_ws('; ', {{ columns | join(', ') }})
{%- endmacro %}


{#- A metric of the scorecard as text, by its unit: 62.5%, 3. -#}
{% macro metric_text(value, unit) -%}
    case
        when {{ unit }} = 'share' then {{ number_text('round(100 * ' ~ value ~ ', 2)') }} || '%'
        else {{ number_text(value) }}
    end
{%- endmacro %}


{#- The move of a budget action in words, from columns named as in budget_action_audit. -#}
{% macro money_move_text() -%}
    currency || ' ' || {{ money_text('amount') }} || ' from ' || from_channel_label || ' to ' || to_channel_label
{%- endmacro %}


{#- A risk signal in a few words, from columns named as in risk_escalation. -#}
{% macro risk_text() -%}
    replace(risk_type, '_', ' ') || ', ' || severity
{%- endmacro %}


{#- Name of a record's attribute: campaign status, budget action amount. -#}
{% macro status_text(dataset, attribute) -%}
    replace(substring({{ dataset }}, 1, length({{ dataset }}) - 1) || ' ' || {{ attribute }}, '_', ' ')
{%- endmacro %}
