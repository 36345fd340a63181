{#-
  The log without the exports that have been taken out (warehouse/history.py appends a mark, since
  evidence stays and Spark's table can't delete), in a subquery. An export is as of its own newest event, but never of a moment before
  that of an export before; which is said here, so that one that is taken out moves no other.
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
  Whether this run builds and tests all that the calling model takes an export from: every seed, the
  staging and contract models and all that it is made of, with every test that judges nothing else. A part
  would show the statuses of one export beside the events of another; without tests, anything.
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
