dataset
    name text NOT NULL
    project text NOT NULL
    description text NOT NULL
    created_ms bigint NOT NULL
    kind text NOT NULL DEFAULT 'table'::text
    key_columns text NOT NULL DEFAULT '[]'::text
    deleted_ms bigint

dataset_append_key
    dataset text NOT NULL
    append_key text NOT NULL
    number bigint NOT NULL

dataset_column
    dataset text NOT NULL
    name text NOT NULL
    pii text
    pii_kind text
    description text NOT NULL
    unit text
    basis text NOT NULL
    origin text NOT NULL
    author text NOT NULL
    updated_ms bigint NOT NULL

dataset_column_lineage
    dataset text NOT NULL
    number bigint NOT NULL
    columns text NOT NULL

dataset_contract
    dataset text NOT NULL
    number bigint NOT NULL
    yaml text NOT NULL
    author text NOT NULL
    created_ms bigint NOT NULL

dataset_event_batch
    dataset text NOT NULL
    branch text NOT NULL
    first_event bigint NOT NULL
    events bigint NOT NULL
    author text NOT NULL
    received_ms bigint NOT NULL
    lines text NOT NULL

dataset_event_id
    dataset text NOT NULL
    branch text NOT NULL
    event_id text NOT NULL
    received_ms bigint NOT NULL

dataset_export
    dataset text NOT NULL
    number bigint NOT NULL
    name text NOT NULL
    digest text NOT NULL
    size_bytes bigint NOT NULL

dataset_merge
    id text NOT NULL
    dataset text NOT NULL
    into_branch text NOT NULL
    from_name text NOT NULL
    base bigint
    ours bigint NOT NULL
    theirs bigint NOT NULL
    key_columns text NOT NULL
    granularity text NOT NULL
    rules text NOT NULL
    decided text NOT NULL
    schema_conflicts text NOT NULL
    counts text NOT NULL
    manifest text
    state text NOT NULL
    request_digest text NOT NULL
    message text NOT NULL
    author text NOT NULL
    created_ms bigint NOT NULL
    version bigint

dataset_merge_choice
    merge_id text NOT NULL
    conflict bigint NOT NULL
    choice text NOT NULL
    value text
    author text NOT NULL
    made_ms bigint NOT NULL

dataset_named_version
    dataset text NOT NULL
    name text NOT NULL
    kind text NOT NULL
    number bigint NOT NULL
    author text NOT NULL
    created_ms bigint NOT NULL

dataset_quality
    dataset text NOT NULL
    number bigint NOT NULL
    contract bigint NOT NULL
    outcome text NOT NULL
    report text NOT NULL

dataset_record
    dataset text NOT NULL
    card text NOT NULL
    facts text NOT NULL
    pii_policy text NOT NULL
    author text NOT NULL
    updated_ms bigint NOT NULL

dataset_retention
    dataset text NOT NULL
    keep_last bigint
    keep_days bigint
    keep_tagged boolean NOT NULL
    is_automatic boolean NOT NULL
    author text NOT NULL
    changed_ms bigint NOT NULL
    applied_ms bigint

dataset_stream
    dataset text NOT NULL
    branch text NOT NULL
    flush_rows bigint NOT NULL
    flush_seconds double precision NOT NULL
    remember_seconds double precision NOT NULL
    on_change text NOT NULL
    accepted bigint NOT NULL

dataset_version
    dataset text NOT NULL
    number bigint NOT NULL
    manifest text NOT NULL
    digest text NOT NULL
    columns text NOT NULL
    row_count bigint NOT NULL
    size_bytes bigint NOT NULL
    file_count bigint NOT NULL
    message text NOT NULL
    author text NOT NULL
    created_ms bigint NOT NULL
    recipe text NOT NULL
    recipe_digest text NOT NULL
    profile text
    branch text NOT NULL DEFAULT 'main'::text
    parent bigint
    merged bigint
    tree text
    deleted_ms bigint
    deleted_by text

endpoint
    name text NOT NULL
    project text NOT NULL
    model_name text NOT NULL
    model_selector text
    log_rate double precision NOT NULL
    log_mode text NOT NULL
    isolation text NOT NULL
    owner text NOT NULL
    created_ms bigint NOT NULL
    updated_ms bigint NOT NULL

evaluation_dataset
    id text NOT NULL
    name text NOT NULL
    project text NOT NULL
    digest text NOT NULL
    schema text
    records bigint NOT NULL
    created_ms bigint NOT NULL
    updated_ms bigint NOT NULL
    created_by text
    updated_by text

evaluation_dataset_experiment
    dataset text NOT NULL
    experiment bigint NOT NULL

evaluation_dataset_tag
    dataset text NOT NULL
    key text NOT NULL
    value text NOT NULL

evaluation_record
    dataset text NOT NULL
    input_digest text NOT NULL
    id text NOT NULL
    inputs text NOT NULL
    outputs text
    expectations text
    tags text
    source text
    source_type text
    source_id text
    created_ms bigint NOT NULL
    updated_ms bigint NOT NULL
    created_by text
    updated_by text

experiment
    id bigint NOT NULL
    name text NOT NULL
    project text NOT NULL
    artifact_location text NOT NULL
    is_deleted boolean NOT NULL
    created_ms bigint NOT NULL
    updated_ms bigint NOT NULL

experiment_tag
    experiment bigint NOT NULL
    key text NOT NULL
    value text NOT NULL

input_dataset
    key bigint NOT NULL
    experiment bigint NOT NULL
    name text NOT NULL
    digest text NOT NULL
    source_type text NOT NULL
    source text NOT NULL
    schema text
    profile text

label_annotator
    task_id bigint NOT NULL
    name text NOT NULL
    cursor_position bigint NOT NULL
    cursor_number bigint NOT NULL
    submitted bigint NOT NULL
    skipped bigint NOT NULL
    accepted bigint NOT NULL
    rejected bigint NOT NULL
    seconds double precision NOT NULL
    last_ms bigint NOT NULL

label_history
    task_id bigint NOT NULL
    number bigint NOT NULL
    revision bigint NOT NULL
    time_ms bigint NOT NULL
    actor text NOT NULL
    action text NOT NULL
    annotator text
    value text
    comment text
    seconds double precision

label_item
    task_id bigint NOT NULL
    number bigint NOT NULL
    row_key text NOT NULL
    position bigint NOT NULL
    slots bigint NOT NULL
    votes bigint NOT NULL
    state text NOT NULL
    assignee text
    extent_a double precision
    extent_b double precision
    source_id text
    final_value text
    final_by text
    final_ms bigint

label_prelabel
    task_id bigint NOT NULL
    number bigint NOT NULL
    model text NOT NULL
    value text NOT NULL
    score double precision
    entropy double precision
    margin double precision
    created_ms bigint NOT NULL

label_schema
    name text NOT NULL
    version bigint NOT NULL
    project text NOT NULL
    definition text NOT NULL
    author text NOT NULL
    created_ms bigint NOT NULL

label_task
    id bigint NOT NULL
    name text NOT NULL
    project text NOT NULL
    dataset text NOT NULL
    dataset_version bigint NOT NULL
    schema_name text NOT NULL
    schema_version bigint NOT NULL
    settings text NOT NULL
    overlap bigint NOT NULL
    state text NOT NULL
    author text NOT NULL
    created_ms bigint NOT NULL
    item_count bigint NOT NULL
    complete_count bigint NOT NULL
    reviewed_count bigint NOT NULL
    annotation_count bigint NOT NULL

label_work
    task_id bigint NOT NULL
    number bigint NOT NULL
    annotator text NOT NULL
    state text NOT NULL
    value text
    draft text
    origin text
    comment text
    started_ms bigint NOT NULL
    lease_ms bigint
    done_ms bigint
    seconds double precision

ledger_cursor
    name text NOT NULL
    sequence bigint NOT NULL

ledger_event
    sequence bigint NOT NULL
    id text NOT NULL
    time_ms bigint NOT NULL
    actor text NOT NULL
    type text NOT NULL
    subject text NOT NULL
    project text
    data text NOT NULL
    previous_hash text NOT NULL
    hash text NOT NULL

lineage_edge
    source text NOT NULL
    target text NOT NULL
    relation text NOT NULL
    created_ms bigint NOT NULL

logged_model
    key bigint NOT NULL
    id text NOT NULL
    experiment bigint NOT NULL
    name text NOT NULL
    type text
    status text NOT NULL
    source_run text
    artifact_location text NOT NULL
    created_ms bigint NOT NULL
    updated_ms bigint NOT NULL
    is_deleted boolean NOT NULL

logged_model_metric
    model bigint NOT NULL
    metric bigint NOT NULL
    time_ms bigint NOT NULL
    step bigint NOT NULL
    run bigint NOT NULL
    value double precision NOT NULL
    is_nan boolean NOT NULL
    dataset_name text
    dataset_digest text

logged_model_param
    model bigint NOT NULL
    key text NOT NULL
    value text NOT NULL

logged_model_tag
    model bigint NOT NULL
    key text NOT NULL
    value text NOT NULL

metric_block
    run bigint NOT NULL
    metric bigint NOT NULL
    sequence bigint NOT NULL
    points bigint NOT NULL
    pack text NOT NULL

metric_latest
    run bigint NOT NULL
    metric bigint NOT NULL
    step bigint NOT NULL
    time_ms bigint NOT NULL
    value double precision NOT NULL
    is_nan boolean NOT NULL
    experiment bigint NOT NULL DEFAULT 0

metric_name
    id bigint NOT NULL
    name text NOT NULL

metric_summary
    run bigint NOT NULL
    metric bigint NOT NULL
    sequence bigint NOT NULL
    parts text NOT NULL

metric_tail
    run bigint NOT NULL
    sequence bigint NOT NULL
    pack text NOT NULL

model_alias
    id text NOT NULL
    model text NOT NULL
    alias text NOT NULL
    version bigint NOT NULL
    from_ms bigint NOT NULL
    until_ms bigint
    set_by text NOT NULL
    reason text NOT NULL

model_approval
    id text NOT NULL
    model text NOT NULL
    version bigint NOT NULL
    decision text NOT NULL
    comment text NOT NULL
    decided_by text NOT NULL
    decided_ms bigint NOT NULL

model_evaluation
    id text NOT NULL
    model text NOT NULL
    version bigint NOT NULL
    dataset text
    slice text
    run text
    metrics text NOT NULL
    created_ms bigint NOT NULL
    created_by text NOT NULL

model_reproduction
    id text NOT NULL
    model text NOT NULL
    version bigint NOT NULL
    tolerance double precision NOT NULL
    keeps boolean NOT NULL
    state text NOT NULL
    pipeline_run text
    result text
    problem text
    started_by text NOT NULL
    created_ms bigint NOT NULL
    ended_ms bigint

model_version
    model text NOT NULL
    version bigint NOT NULL
    owner text NOT NULL
    description text NOT NULL
    source text NOT NULL
    run_id text
    logged_model_id text
    run_link text
    has_files boolean NOT NULL
    stage text NOT NULL
    created_ms bigint NOT NULL
    updated_ms bigint NOT NULL
    deleted_ms bigint
    recipe text NOT NULL
    pipeline_run text
    card text

model_version_tag
    model text NOT NULL
    version bigint NOT NULL
    name text NOT NULL
    value text NOT NULL

monitor
    name text NOT NULL
    project text NOT NULL
    version bigint NOT NULL
    every_seconds double precision
    next_ms bigint

monitor_alert
    id text NOT NULL
    monitor text NOT NULL
    version bigint NOT NULL
    project text NOT NULL
    state text NOT NULL
    opened_ms bigint NOT NULL
    seen_ms bigint NOT NULL
    resolved_ms bigint
    report text NOT NULL
    summary text NOT NULL
    acknowledged_by text
    comment text

monitor_report
    id text NOT NULL
    monitor text NOT NULL
    version bigint NOT NULL
    at_ms bigint NOT NULL
    status text NOT NULL
    body text NOT NULL
    alert text
    created_ms bigint NOT NULL

monitor_start
    event text NOT NULL
    alert text NOT NULL
    monitor text NOT NULL
    project text NOT NULL
    pipeline text NOT NULL
    params text NOT NULL
    at_ms bigint NOT NULL
    state text NOT NULL
    run text
    problem text

monitor_version
    monitor text NOT NULL
    number bigint NOT NULL
    spec text NOT NULL
    reference text NOT NULL
    author text NOT NULL
    created_ms bigint NOT NULL

object_manifest
    id text NOT NULL
    owner_ref text NOT NULL
    created_ms bigint NOT NULL

object_manifest_entry
    manifest_id text NOT NULL
    path text NOT NULL
    parent text NOT NULL
    digest text NOT NULL
    size_bytes bigint NOT NULL
    created_ms bigint NOT NULL

object_manifest_folder
    manifest_id text NOT NULL
    path text NOT NULL
    parent text NOT NULL

object_tree
    owner_ref text NOT NULL
    root text NOT NULL
    files bigint NOT NULL
    size_bytes bigint NOT NULL
    created_ms bigint NOT NULL
    released_ms bigint

openlineage_target
    name text NOT NULL
    url text NOT NULL
    namespace text NOT NULL
    sequence bigint NOT NULL
    attempts bigint NOT NULL
    next_ms bigint NOT NULL
    delivered bigint NOT NULL
    refused bigint NOT NULL
    error text
    author text NOT NULL
    created_ms bigint NOT NULL

pipeline_code
    pipeline text NOT NULL
    project text NOT NULL
    manifest text NOT NULL
    digest text NOT NULL

pipeline_run
    id text NOT NULL
    pipeline text NOT NULL
    version bigint NOT NULL
    project text NOT NULL
    state text NOT NULL
    params text NOT NULL
    pins text NOT NULL
    cause text
    actor text NOT NULL
    uses_cache boolean NOT NULL
    created_ms bigint NOT NULL
    started_ms bigint
    ended_ms bigint
    problem text

pipeline_schedule
    pipeline text NOT NULL
    fired_ms bigint NOT NULL

pipeline_step_run
    run text NOT NULL
    step text NOT NULL
    position bigint NOT NULL
    state text NOT NULL
    attempt bigint NOT NULL
    recipe text
    recipe_digest text
    cached_from text
    outputs text NOT NULL
    problem text
    usage text
    started_ms bigint
    ended_ms bigint

pipeline_version
    pipeline text NOT NULL
    number bigint NOT NULL
    project text NOT NULL
    definition text NOT NULL
    code_manifest text
    code_digest text
    author text NOT NULL
    created_ms bigint NOT NULL

prediction
    id text NOT NULL
    endpoint text NOT NULL
    project text NOT NULL
    model text NOT NULL
    version bigint NOT NULL
    time_ms bigint NOT NULL
    row_count bigint NOT NULL
    layout text
    inputs text NOT NULL
    outputs text NOT NULL
    request_id text NOT NULL
    principal text NOT NULL

prediction_feedback
    prediction text NOT NULL
    row_number bigint NOT NULL
    value text NOT NULL
    time_ms bigint NOT NULL
    told_by text NOT NULL

prediction_layout
    id text NOT NULL
    columns text NOT NULL

principal
    name text NOT NULL
    kind text NOT NULL
    role text
    created_ms bigint NOT NULL

project
    name text NOT NULL
    owner text NOT NULL
    description text NOT NULL
    created_ms bigint NOT NULL

project_goal
    project text NOT NULL
    name text NOT NULL
    target double precision NOT NULL
    is_relative boolean NOT NULL

project_grant
    project text NOT NULL
    principal text NOT NULL
    role text NOT NULL
    created_ms bigint NOT NULL

project_measurement
    project text NOT NULL
    goal text NOT NULL
    measured_ms bigint NOT NULL
    value double precision NOT NULL
    evidence text

registered_model
    id text NOT NULL
    name text NOT NULL
    project text NOT NULL
    owner text NOT NULL
    description text NOT NULL
    created_ms bigint NOT NULL
    updated_ms bigint NOT NULL
    deleted_ms bigint
    last_version bigint NOT NULL
    approvals_required bigint NOT NULL
    self_approval boolean NOT NULL
    protected_aliases text NOT NULL

registered_model_tag
    model text NOT NULL
    name text NOT NULL
    value text NOT NULL

run
    key bigint NOT NULL
    id text NOT NULL
    experiment bigint NOT NULL
    name text NOT NULL
    user_name text NOT NULL
    status text NOT NULL
    started_ms bigint NOT NULL
    ended_ms bigint
    is_deleted boolean NOT NULL
    deleted_ms bigint
    artifact_location text NOT NULL

run_input
    run bigint NOT NULL
    dataset bigint NOT NULL
    context text
    tags text NOT NULL

run_model
    run bigint NOT NULL
    role text NOT NULL
    model text NOT NULL
    step bigint NOT NULL

run_param
    run bigint NOT NULL
    key text NOT NULL
    value text NOT NULL
    experiment bigint NOT NULL DEFAULT 0
    short text NOT NULL DEFAULT ''::text

run_tag
    run bigint NOT NULL
    key text NOT NULL
    value text NOT NULL
    experiment bigint NOT NULL DEFAULT 0
    short text NOT NULL DEFAULT ''::text

saved_search
    project text NOT NULL
    owner text NOT NULL
    name text NOT NULL
    search text NOT NULL
    saved_by text NOT NULL
    saved_ms bigint NOT NULL

schema_migration
    id text NOT NULL
    checksum text NOT NULL
    applied_ms bigint NOT NULL

scorer
    id text NOT NULL
    experiment bigint NOT NULL
    name text NOT NULL
    version bigint NOT NULL
    serialized text NOT NULL
    created_ms bigint NOT NULL

secret
    project text NOT NULL
    name text NOT NULL
    sealed text NOT NULL
    author text NOT NULL
    created_ms bigint NOT NULL

slice
    name text NOT NULL
    version bigint NOT NULL
    project text NOT NULL
    dataset text NOT NULL
    condition text NOT NULL
    description text NOT NULL
    owner text NOT NULL
    created_ms bigint NOT NULL
    over_ref text NOT NULL DEFAULT ''::text
    rule text NOT NULL DEFAULT ''::text
    purpose text NOT NULL DEFAULT ''::text

source
    name text NOT NULL
    project text NOT NULL
    kind text NOT NULL
    location text NOT NULL
    query text
    format text
    encoding text NOT NULL
    created_ms bigint NOT NULL
    imported_ms bigint
    seen text
    settings text NOT NULL DEFAULT '{}'::text
    checked_ms bigint
    changed_ms bigint
    late_ms bigint
    fired_ms bigint
    problem text

source_policy
    project text NOT NULL
    hosts text NOT NULL
    allows_private boolean NOT NULL

token
    id text NOT NULL
    principal text NOT NULL
    label text NOT NULL
    secret_hash text NOT NULL
    scopes text
    created_ms bigint NOT NULL
    expires_ms bigint
    revoked_ms bigint
    parent text

trace
    key bigint NOT NULL
    id text NOT NULL
    experiment bigint NOT NULL
    started_ms bigint NOT NULL
    duration_ms bigint
    state text NOT NULL
    name text
    client_request_id text
    request_preview text
    response_preview text
    is_final boolean NOT NULL
    manifest text

trace_assessment
    trace bigint NOT NULL
    id text NOT NULL
    name text NOT NULL
    kind text NOT NULL
    value text NOT NULL
    number double precision
    error text
    source_type text NOT NULL
    source_id text
    rationale text
    metadata text NOT NULL
    span text
    created_ms bigint NOT NULL
    updated_ms bigint NOT NULL
    overrides text
    is_valid boolean NOT NULL

trace_link
    trace bigint NOT NULL
    kind text NOT NULL
    target text NOT NULL

trace_metadata
    trace bigint NOT NULL
    key text NOT NULL
    value text NOT NULL

trace_span
    trace bigint NOT NULL
    id text NOT NULL
    parent text
    name text NOT NULL
    type text
    status text NOT NULL
    started_ns bigint NOT NULL
    ended_ns bigint
    body text NOT NULL
    object text

trace_tag
    trace bigint NOT NULL
    key text NOT NULL
    value text NOT NULL

webhook
    id text NOT NULL
    project text NOT NULL
    name text NOT NULL
    description text
    url text NOT NULL
    events text NOT NULL
    status text NOT NULL
    secret text
    author text NOT NULL
    created_ms bigint NOT NULL
    updated_ms bigint NOT NULL

webhook_delivery
    id text NOT NULL
    webhook_id text NOT NULL
    event_id text NOT NULL
    event text NOT NULL
    state text NOT NULL
    attempts bigint NOT NULL
    body text NOT NULL
    created_ms bigint NOT NULL
    due_ms bigint
    finished_ms bigint
    response_status bigint
    error text

CREATE UNIQUE INDEX dataset_append_key_pkey ON dataset_append_key USING btree (dataset, append_key)
CREATE UNIQUE INDEX dataset_column_lineage_pkey ON dataset_column_lineage USING btree (dataset, number)
CREATE UNIQUE INDEX dataset_column_pkey ON dataset_column USING btree (dataset, name)
CREATE UNIQUE INDEX dataset_contract_pkey ON dataset_contract USING btree (dataset, number)
CREATE UNIQUE INDEX dataset_event_batch_pkey ON dataset_event_batch USING btree (dataset, branch, first_event)
CREATE UNIQUE INDEX dataset_event_id_pkey ON dataset_event_id USING btree (dataset, branch, event_id)
CREATE INDEX dataset_event_id_received ON dataset_event_id USING btree (received_ms)
CREATE UNIQUE INDEX dataset_export_pkey ON dataset_export USING btree (dataset, number, name)
CREATE UNIQUE INDEX dataset_merge_choice_pkey ON dataset_merge_choice USING btree (merge_id, conflict)
CREATE INDEX dataset_merge_dataset ON dataset_merge USING btree (dataset, created_ms)
CREATE UNIQUE INDEX dataset_merge_pkey ON dataset_merge USING btree (id)
CREATE UNIQUE INDEX dataset_named_version_pkey ON dataset_named_version USING btree (dataset, name)
CREATE UNIQUE INDEX dataset_pkey ON dataset USING btree (name)
CREATE INDEX dataset_project ON dataset USING btree (project, name)
CREATE UNIQUE INDEX dataset_quality_pkey ON dataset_quality USING btree (dataset, number)
CREATE UNIQUE INDEX dataset_record_pkey ON dataset_record USING btree (dataset)
CREATE UNIQUE INDEX dataset_retention_pkey ON dataset_retention USING btree (dataset)
CREATE UNIQUE INDEX dataset_stream_pkey ON dataset_stream USING btree (dataset, branch)
CREATE INDEX dataset_version_digest ON dataset_version USING btree (digest)
CREATE UNIQUE INDEX dataset_version_pkey ON dataset_version USING btree (dataset, number)
CREATE INDEX dataset_version_recipe ON dataset_version USING btree (dataset, recipe_digest)
CREATE UNIQUE INDEX endpoint_pkey ON endpoint USING btree (name)
CREATE INDEX evaluation_dataset_created ON evaluation_dataset USING btree (created_ms DESC, id)
CREATE UNIQUE INDEX evaluation_dataset_experiment_pkey ON evaluation_dataset_experiment USING btree (dataset, experiment)
CREATE INDEX evaluation_dataset_of_experiment ON evaluation_dataset_experiment USING btree (experiment)
CREATE UNIQUE INDEX evaluation_dataset_pkey ON evaluation_dataset USING btree (id)
CREATE UNIQUE INDEX evaluation_dataset_tag_pkey ON evaluation_dataset_tag USING btree (dataset, key)
CREATE INDEX evaluation_record_created ON evaluation_record USING btree (dataset, created_ms, id)
CREATE UNIQUE INDEX evaluation_record_pkey ON evaluation_record USING btree (dataset, input_digest)
CREATE UNIQUE INDEX experiment_name_key ON experiment USING btree (name)
CREATE UNIQUE INDEX experiment_pkey ON experiment USING btree (id)
CREATE INDEX experiment_project ON experiment USING btree (project)
CREATE UNIQUE INDEX experiment_tag_pkey ON experiment_tag USING btree (experiment, key)
CREATE UNIQUE INDEX input_dataset_experiment_name_digest_key ON input_dataset USING btree (experiment, name, digest)
CREATE UNIQUE INDEX input_dataset_pkey ON input_dataset USING btree (key)
CREATE UNIQUE INDEX label_annotator_pkey ON label_annotator USING btree (task_id, name)
CREATE UNIQUE INDEX label_history_pkey ON label_history USING btree (task_id, number, revision)
CREATE INDEX label_item_complete ON label_item USING btree (task_id, number) WHERE (state = 'complete'::text)
CREATE UNIQUE INDEX label_item_key ON label_item USING btree (task_id, row_key)
CREATE INDEX label_item_labelled ON label_item USING btree (task_id, number) WHERE ((votes > 0) OR (final_ms IS NOT NULL))
CREATE UNIQUE INDEX label_item_pkey ON label_item USING btree (task_id, number)
CREATE INDEX label_item_queue ON label_item USING btree (task_id, "position", number) WHERE (slots > 0)
CREATE UNIQUE INDEX label_prelabel_pkey ON label_prelabel USING btree (task_id, number, model)
CREATE UNIQUE INDEX label_schema_pkey ON label_schema USING btree (name, version)
CREATE INDEX label_task_dataset ON label_task USING btree (dataset)
CREATE UNIQUE INDEX label_task_name_key ON label_task USING btree (name)
CREATE UNIQUE INDEX label_task_pkey ON label_task USING btree (id)
CREATE INDEX label_work_annotator ON label_work USING btree (task_id, annotator, state, done_ms)
CREATE INDEX label_work_lease ON label_work USING btree (task_id, lease_ms) WHERE (state = 'leased'::text)
CREATE UNIQUE INDEX label_work_pkey ON label_work USING btree (task_id, number, annotator)
CREATE UNIQUE INDEX ledger_cursor_pkey ON ledger_cursor USING btree (name)
CREATE UNIQUE INDEX ledger_event_id_key ON ledger_event USING btree (id)
CREATE UNIQUE INDEX ledger_event_pkey ON ledger_event USING btree (sequence)
CREATE INDEX ledger_event_subject ON ledger_event USING btree (subject, sequence)
CREATE INDEX ledger_event_type ON ledger_event USING btree (type, sequence)
CREATE UNIQUE INDEX lineage_edge_pkey ON lineage_edge USING btree (target, source, relation)
CREATE INDEX lineage_edge_source ON lineage_edge USING btree (source)
CREATE INDEX logged_model_experiment_created ON logged_model USING btree (experiment, created_ms DESC, id)
CREATE UNIQUE INDEX logged_model_id_key ON logged_model USING btree (id)
CREATE UNIQUE INDEX logged_model_metric_pkey ON logged_model_metric USING btree (model, metric, time_ms, step, run)
CREATE UNIQUE INDEX logged_model_param_pkey ON logged_model_param USING btree (model, key)
CREATE UNIQUE INDEX logged_model_pkey ON logged_model USING btree (key)
CREATE UNIQUE INDEX logged_model_tag_pkey ON logged_model_tag USING btree (model, key)
CREATE UNIQUE INDEX metric_block_pkey ON metric_block USING btree (run, metric, sequence)
CREATE UNIQUE INDEX metric_latest_pkey ON metric_latest USING btree (run, metric)
CREATE INDEX metric_latest_search ON metric_latest USING btree (experiment, metric, is_nan, value, run)
CREATE UNIQUE INDEX metric_name_name_key ON metric_name USING btree (name)
CREATE UNIQUE INDEX metric_name_pkey ON metric_name USING btree (id)
CREATE UNIQUE INDEX metric_summary_pkey ON metric_summary USING btree (run, metric, sequence)
CREATE UNIQUE INDEX metric_tail_pkey ON metric_tail USING btree (run, sequence)
CREATE UNIQUE INDEX model_alias_current ON model_alias USING btree (model, alias) WHERE (until_ms IS NULL)
CREATE INDEX model_alias_history ON model_alias USING btree (model, alias, from_ms)
CREATE UNIQUE INDEX model_alias_pkey ON model_alias USING btree (id)
CREATE UNIQUE INDEX model_approval_pkey ON model_approval USING btree (id)
CREATE INDEX model_approval_version ON model_approval USING btree (model, version, id)
CREATE UNIQUE INDEX model_evaluation_pkey ON model_evaluation USING btree (id)
CREATE INDEX model_evaluation_version ON model_evaluation USING btree (model, version, id)
CREATE UNIQUE INDEX model_reproduction_pkey ON model_reproduction USING btree (id)
CREATE INDEX model_reproduction_run ON model_reproduction USING btree (pipeline_run)
CREATE INDEX model_reproduction_version ON model_reproduction USING btree (model, version, id)
CREATE INDEX model_version_pipeline_run ON model_version USING btree (pipeline_run)
CREATE UNIQUE INDEX model_version_pkey ON model_version USING btree (model, version)
CREATE INDEX model_version_run ON model_version USING btree (run_id)
CREATE UNIQUE INDEX model_version_tag_pkey ON model_version_tag USING btree (model, version, name)
CREATE INDEX model_version_updated ON model_version USING btree (updated_ms)
CREATE INDEX monitor_alert_monitor ON monitor_alert USING btree (monitor, state)
CREATE UNIQUE INDEX monitor_alert_pkey ON monitor_alert USING btree (id)
CREATE INDEX monitor_alert_state ON monitor_alert USING btree (state, id)
CREATE INDEX monitor_next ON monitor USING btree (next_ms)
CREATE UNIQUE INDEX monitor_pkey ON monitor USING btree (name)
CREATE INDEX monitor_report_monitor ON monitor_report USING btree (monitor, at_ms, id)
CREATE UNIQUE INDEX monitor_report_pkey ON monitor_report USING btree (id)
CREATE INDEX monitor_start_alert ON monitor_start USING btree (alert, at_ms)
CREATE INDEX monitor_start_monitor ON monitor_start USING btree (monitor, at_ms)
CREATE UNIQUE INDEX monitor_start_pkey ON monitor_start USING btree (event)
CREATE INDEX monitor_start_state ON monitor_start USING btree (state)
CREATE UNIQUE INDEX monitor_version_pkey ON monitor_version USING btree (monitor, number)
CREATE INDEX object_manifest_entry_digest ON object_manifest_entry USING btree (digest)
CREATE INDEX object_manifest_entry_parent ON object_manifest_entry USING btree (manifest_id, parent, path)
CREATE UNIQUE INDEX object_manifest_entry_pkey ON object_manifest_entry USING btree (manifest_id, path)
CREATE INDEX object_manifest_folder_parent ON object_manifest_folder USING btree (manifest_id, parent, path)
CREATE UNIQUE INDEX object_manifest_folder_pkey ON object_manifest_folder USING btree (manifest_id, path)
CREATE INDEX object_manifest_owner ON object_manifest USING btree (owner_ref)
CREATE UNIQUE INDEX object_manifest_pkey ON object_manifest USING btree (id)
CREATE INDEX object_tree_created ON object_tree USING btree (created_ms, owner_ref)
CREATE UNIQUE INDEX object_tree_pkey ON object_tree USING btree (owner_ref)
CREATE UNIQUE INDEX openlineage_target_pkey ON openlineage_target USING btree (name)
CREATE UNIQUE INDEX pipeline_code_pkey ON pipeline_code USING btree (pipeline)
CREATE UNIQUE INDEX pipeline_run_cause ON pipeline_run USING btree (pipeline, cause)
CREATE INDEX pipeline_run_pipeline ON pipeline_run USING btree (pipeline, created_ms)
CREATE UNIQUE INDEX pipeline_run_pkey ON pipeline_run USING btree (id)
CREATE INDEX pipeline_run_state ON pipeline_run USING btree (state, created_ms)
CREATE UNIQUE INDEX pipeline_schedule_pkey ON pipeline_schedule USING btree (pipeline)
CREATE UNIQUE INDEX pipeline_step_run_pkey ON pipeline_step_run USING btree (run, step)
CREATE INDEX pipeline_step_run_recipe ON pipeline_step_run USING btree (recipe_digest, ended_ms)
CREATE UNIQUE INDEX pipeline_version_pkey ON pipeline_version USING btree (pipeline, number)
CREATE INDEX prediction_endpoint ON prediction USING btree (endpoint, time_ms, id)
CREATE UNIQUE INDEX prediction_feedback_pkey ON prediction_feedback USING btree (prediction, row_number)
CREATE UNIQUE INDEX prediction_layout_pkey ON prediction_layout USING btree (id)
CREATE UNIQUE INDEX prediction_pkey ON prediction USING btree (id)
CREATE UNIQUE INDEX principal_pkey ON principal USING btree (name)
CREATE UNIQUE INDEX project_goal_pkey ON project_goal USING btree (project, name)
CREATE UNIQUE INDEX project_grant_pkey ON project_grant USING btree (project, principal)
CREATE INDEX project_grant_principal ON project_grant USING btree (principal)
CREATE UNIQUE INDEX project_measurement_pkey ON project_measurement USING btree (project, goal, measured_ms)
CREATE UNIQUE INDEX project_pkey ON project USING btree (name)
CREATE UNIQUE INDEX registered_model_name ON registered_model USING btree (name) WHERE (deleted_ms IS NULL)
CREATE UNIQUE INDEX registered_model_pkey ON registered_model USING btree (id)
CREATE INDEX registered_model_tag_name ON registered_model_tag USING btree (name)
CREATE UNIQUE INDEX registered_model_tag_pkey ON registered_model_tag USING btree (model, name)
CREATE INDEX run_deleted ON run USING btree (experiment, key) WHERE is_deleted
CREATE INDEX run_ended ON run USING btree (experiment, ended_ms, key)
CREATE UNIQUE INDEX run_id_key ON run USING btree (id)
CREATE INDEX run_input_dataset ON run_input USING btree (dataset)
CREATE UNIQUE INDEX run_input_pkey ON run_input USING btree (run, dataset)
CREATE UNIQUE INDEX run_model_pkey ON run_model USING btree (run, role, model, step)
CREATE UNIQUE INDEX run_param_pkey ON run_param USING btree (run, key)
CREATE INDEX run_param_search ON run_param USING btree (experiment, key, short, run)
CREATE UNIQUE INDEX run_pkey ON run USING btree (key)
CREATE INDEX run_started ON run USING btree (experiment, started_ms, key)
CREATE INDEX run_status ON run USING btree (experiment, status, key)
CREATE UNIQUE INDEX run_tag_pkey ON run_tag USING btree (run, key)
CREATE INDEX run_tag_search ON run_tag USING btree (experiment, key, short, run)
CREATE UNIQUE INDEX saved_search_pkey ON saved_search USING btree (project, owner, name)
CREATE UNIQUE INDEX schema_migration_pkey ON schema_migration USING btree (id)
CREATE UNIQUE INDEX scorer_pkey ON scorer USING btree (experiment, name, version)
CREATE UNIQUE INDEX secret_pkey ON secret USING btree (project, name)
CREATE UNIQUE INDEX slice_pkey ON slice USING btree (name, version)
CREATE UNIQUE INDEX source_pkey ON source USING btree (name)
CREATE UNIQUE INDEX source_policy_pkey ON source_policy USING btree (project)
CREATE UNIQUE INDEX token_pkey ON token USING btree (id)
CREATE INDEX token_principal ON token USING btree (principal)
CREATE UNIQUE INDEX trace_assessment_pkey ON trace_assessment USING btree (trace, id)
CREATE INDEX trace_experiment_started ON trace USING btree (experiment, started_ms DESC, id)
CREATE UNIQUE INDEX trace_id_key ON trace USING btree (id)
CREATE UNIQUE INDEX trace_link_pkey ON trace_link USING btree (kind, target, trace)
CREATE INDEX trace_link_trace ON trace_link USING btree (trace)
CREATE UNIQUE INDEX trace_metadata_pkey ON trace_metadata USING btree (trace, key)
CREATE UNIQUE INDEX trace_pkey ON trace USING btree (key)
CREATE INDEX trace_source_run ON trace_metadata USING btree (substr(value, 1, 32)) WHERE (key = 'mlflow.sourceRun'::text)
CREATE UNIQUE INDEX trace_span_pkey ON trace_span USING btree (trace, id)
CREATE UNIQUE INDEX trace_tag_pkey ON trace_tag USING btree (trace, key)
CREATE INDEX webhook_delivery_due ON webhook_delivery USING btree (due_ms)
CREATE INDEX webhook_delivery_log ON webhook_delivery USING btree (webhook_id, created_ms, id)
CREATE UNIQUE INDEX webhook_delivery_pkey ON webhook_delivery USING btree (id)
CREATE UNIQUE INDEX webhook_delivery_webhook_id_event_id_event_key ON webhook_delivery USING btree (webhook_id, event_id, event)
CREATE UNIQUE INDEX webhook_pkey ON webhook USING btree (id)
CREATE INDEX webhook_project ON webhook USING btree (project, created_ms)

