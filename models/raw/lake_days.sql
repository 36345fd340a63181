{%- set models = models_by_day() -%}

with manifest as (

    select
        dataset,
        cast(day as date) as day,
        files,
        text_files,
        row_count,
        cast(last_at as timestamp) as last_at,
        content_hash
    from {{ lake_manifest() }}
    where files is not null

),

-- A model whose table does not exist, or is of an older version of this project, keeps no days.
kept as (
    {%- for node in models %}

    select distinct
        '{{ node.config.meta.by_day.dataset }}' as dataset,
        '{{ node.name }}' as model,
        day,
        content_version
    from {{ kept_days(node) }} as kept_days
    union all
    {%- endfor %}

    select
        cast(null as string) as dataset,
        cast(null as string) as model,
        cast(null as date) as day,
        cast(null as string) as content_version

),

wanted as (
    {%- for node in models %}

    select
        dataset,
        '{{ node.name }}' as model,
        day,
        {{ content_version(node.name, node.config.meta.by_day.dataset) }} as content_version
    from manifest
    where dataset = '{{ node.config.meta.by_day.dataset }}'
    union all
    {%- endfor %}

    select * from kept where false

),

outdated as (

    select distinct
        dataset,
        day
    from ((select * from wanted except select * from kept) union all (select * from kept except select * from wanted)) as differing
    where day is not null

),

final as (

    select
        coalesce(manifest.dataset, outdated.dataset) as dataset,
        coalesce(manifest.day, outdated.day) as day,
        manifest.files,
        manifest.text_files,
        manifest.row_count,
        manifest.last_at,
        manifest.content_hash,
        outdated.day is not null or manifest.day is null as is_new,
        -- Shows a model that is built alone later whether its raw data is of these days.
        '{{ invocation_id }}' as read_by
    from manifest
    full join outdated
        on manifest.dataset = outdated.dataset and manifest.day = outdated.day

)

select * from final
