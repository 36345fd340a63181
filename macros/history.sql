{#-
  The log without the exports that were taken out, as a subquery. warehouse/history.py marks them by a row, since
  evidence is kept and Spark's table can't delete. seen_at becomes the export's latest event, but at least that of
  earlier exports. It is computed here, so that an export taken out does not affect others.
-#}
{% macro standing_log(relation) -%}
    (
        select
            export_number,
            max(seen_at) over (order by export_number) as seen_at,
            newest_record_at,
            export_hash,
            dataset,
            record_id,
            campaign_id,
            attribute,
            value
        from {{ relation }}
        where export_number not in (select export_number from {{ relation }} where attribute = 'taken_out')
    )
{%- endmacro %}


{#-
  Whether this run builds and tests everything behind the calling model's export: every seed, the staging and contract
  models and all its parents, with all tests of these alone. A partial run would mix the statuses of one export with the
  events of another; an untested one could keep wrong data.
-#}
{% macro takes_in_a_whole_export() -%}
    {%- if not execute -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set judged = [] -%}
    {%- do add_ancestors(model, judged) -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'seed' or (node.resource_type == 'model' and node.fqn[1] in ('raw', 'staging', 'contract')) -%}
            {%- do judged.append(node.unique_id) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set left_out = judged | reject('in', selected_resources) | list -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'test' and node.unique_id not in selected_resources -%}
        {%- if not node.depends_on.nodes | reject('in', judged) | list -%}
            {%- do left_out.append(node.unique_id) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(not left_out) }}
{%- endmacro %}

{% macro add_ancestors(node, found) -%}
    {%- for parent in node.depends_on.nodes if parent not in found and parent in graph.nodes -%}
        {%- do found.append(parent) -%}
        {%- do add_ancestors(graph.nodes[parent], found) -%}
    {%- endfor -%}
{%- endmacro %}
