-- Does the orchestrator report true figures, and do the risk signals that it raises quote them?
select
    claim_kind,
    claim_label,
    week_start,
    checked,
    not_borne_out,
    borne_out_share,
    borne_out_share_to_date,
    ci_low_to_date,
    ci_high_to_date,
    status_to_date
from {{ ref('orchestrator_track_record') }}
where claim_kind in ('reported_figure', 'risk_evidence')
order by claim_kind, week_start
