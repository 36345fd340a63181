{#-
  The var `as_of` as a timestamp expression: null where it is not set, the end of the day where it
  is a date. An error where it is neither a date nor a UTC timestamp.
-#}
{% macro as_of_timestamp() -%}
    {%- set as_of = var('as_of') -%}
    {%- set text = '' if as_of is none else as_of | string | trim | replace('T', ' ') -%}
    {%- if text == '' -%}
        cast(null as timestamp)
    {%- elif modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', text) -%}
        {{ end_of_day("date '" ~ text ~ "'") }}
    {%- elif modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?', text) -%}
        timestamp '{{ text }}'
    {%- else -%}
        {%- do exceptions.raise_compiler_error(
            "The var as_of is '" ~ as_of ~ "'. It is a date (2026-03-16) or a UTC timestamp without"
            ~ " a zone (2026-03-16 12:00:00)."
        ) -%}
    {%- endif -%}
{%- endmacro %}


{#- The amount from which a person must approve, by currency; null for a currency that is not listed. -#}
{% macro approval_threshold(currency) -%}
    {%- if var('budget_approval_threshold') is not mapping -%}
        {%- do exceptions.raise_compiler_error(
            "The var budget_approval_threshold is '" ~ var('budget_approval_threshold')
            ~ "'. It gives an amount by currency: {USD: 500}."
        ) -%}
    {%- endif -%}
    case
        when {{ currency }} is null then null
        {%- for code, amount in var('budget_approval_threshold').items() %}
        when {{ currency }} = '{{ code }}' then cast({{ amount }} as decimal(18, 2))
        {%- endfor %}
    end
{%- endmacro %}


{#- Whether a risk signal of this status is unresolved. -#}
{% macro is_unresolved(status) -%}
    {{ status }} in ('open', 'in_review')
{%- endmacro %}


{#- Whether a move of this amount requires a person's approval; a currency that is not listed always does. -#}
{% macro requires_approval(amount, currency) -%}
    coalesce({{ amount }} >= {{ approval_threshold(currency) }}, true)
{%- endmacro %}


{#-
  All policy vars with the values in use, as the text literal of a JSON object. The calling model gets their names
  from its meta: see dbt_project.yml. A package's vars, which are nested under its name there, are left out.
-#}
{% macro policy_as_json() -%}
    {%- set policy = {} -%}
    {%- for name in (config.get('meta') or {}).get('policy', {}) if name not in installed_packages() -%}
        {%- set value = var(name) -%}
        {#- On the command line YAML turns an as_of into a date, which JSON does not have. -#}
        {%- do policy.update({name: value | string if name == 'as_of' and value is not none else value}) -%}
    {%- endfor -%}
    '{{ tojson(policy, sort_keys=true) | replace("'", "''") }}'
{%- endmacro %}


{#-
  Whether a var belongs to an installed package: dbt passes the vars of the command line to all packages. A package's
  vars are those that it declares, or that its macros or models read, since few packages declare theirs.
-#}
{% macro is_of_a_package(name) -%}
    {%- for package, project in installed_packages().items()
        if package not in [project_name, 'dbt', 'dbt_' ~ target.type] -%}
        {%- set code = graph.nodes.values() | selectattr('package_name', 'equalto', package) | map(attribute='raw_code') | list -%}
        {%- do code.extend(context.get(package, {}).values() | map(attribute='macro.macro_sql')) -%}
        {%- if name == package or name in project.vars.to_dict()
            or modules.re.search("\\bvar\\(\\s*['\"]" ~ modules.re.escape(name) ~ "['\"]", code | join('\n')) -%}
            {{ return(true) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}


{#-
  Stop before anything is built where policy is wrong: an unknown var, text for a number, a window without
  days, a threshold without a currency or amount.
-#}
{% macro check_policy() -%}
    {%- if execute -%}
        {%- set build = graph.nodes.get('model.' ~ project_name ~ '.warehouse_build') -%}
        {%- set known = ['raw', 'lake_path', 'history', 'bi_url', 'review_url'] + build.config.meta.policy.keys() | list if build else [] -%}
        {%- for name in invocation_args_dict.get('vars') or {} if build and name not in known and not is_of_a_package(name) -%}
            {%- do exceptions.raise_compiler_error(
                "There is no var " ~ name ~ ". The vars of dbt_project.yml are " ~ known | join(", ") ~ "."
            ) -%}
        {%- endfor -%}
        {%- if var('history', true) is not boolean -%}
            {%- do exceptions.raise_compiler_error("The var history is '" ~ var('history') ~ "'. It is true or false.") -%}
        {%- endif -%}
        {%- for name, default in (build.config.meta.policy if build else {}).items() if default is number -%}
            {%- if var(name) is not number -%}
                {%- do exceptions.raise_compiler_error("The var " ~ name ~ " is '" ~ var(name) ~ "'. It is a number.") -%}
            {%- endif -%}
        {%- endfor -%}
        {%- for name in ['rollup_window_days', 'impact_window_days', 'daily_spend_days'] if var(name) < 1 -%}
            {%- do exceptions.raise_compiler_error("The var " ~ name ~ " is " ~ var(name) ~ ". It is at least one day.") -%}
        {%- endfor -%}
        {%- for name in ['minimum_lift_to_scale', 'sequential_tuning_lift', 'guardrail_margin'] if var(name) <= 0 -%}
            {%- do exceptions.raise_compiler_error("The var " ~ name ~ " is " ~ var(name) ~ ". It is above 0.") -%}
        {%- endfor -%}
        {%- for name in ['significance_level', 'level_share_before_end', 'power_target', 'calibration_bucket_width'] if var(name) <= 0 or var(name) >= 1 -%}
            {%- do exceptions.raise_compiler_error("The var " ~ name ~ " is " ~ var(name) ~ ". It is above 0 and below 1.") -%}
        {%- endfor -%}
        {%- set thresholds = var('budget_approval_threshold') -%}
        {%- for code, amount in thresholds.items() -%}
            {%- if not modules.re.fullmatch('[A-Z]{3}', code | string) or amount is not number or amount < 0 -%}
                {%- do exceptions.raise_compiler_error(
                    "The var budget_approval_threshold holds " ~ code ~ ": " ~ amount
                    ~ ". It gives an amount, 0 or more, by ISO 4217 code in capitals: {USD: 500}."
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{#- The installed packages' projects, by name; dbt 2 has no adapter.config. -#}
{% macro installed_packages() -%}
    {{ return(adapter.config.load_dependencies() if adapter.config else {}) }}
{%- endmacro %}
