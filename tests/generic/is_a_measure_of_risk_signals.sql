{#- The column names a measure that int_risk_evidence reads: see risk_signal_measures(). -#}
{% test is_a_measure_of_risk_signals(model, column_name) %}
    select *
    from {{ model }}
    where {{ column_name }} not in ('{{ risk_signal_measures() | join("', '") }}')
{% endtest %}
