CREATE TABLE dataset (
    name TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    description TEXT NOT NULL,
    created_ms BIGINT NOT NULL
, kind TEXT NOT NULL DEFAULT 'table', key_columns TEXT NOT NULL DEFAULT '[]', deleted_ms BIGINT);

CREATE TABLE dataset_append_key (
    dataset TEXT NOT NULL,
    append_key TEXT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (dataset, append_key)
);

CREATE TABLE dataset_column (
    dataset TEXT NOT NULL REFERENCES dataset (name),
    name TEXT NOT NULL,
    pii TEXT,
    pii_kind TEXT,
    description TEXT NOT NULL,
    unit TEXT,
    basis TEXT NOT NULL,
    origin TEXT NOT NULL,
    author TEXT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (dataset, name)
);

CREATE TABLE dataset_column_lineage (
    dataset TEXT NOT NULL,
    number BIGINT NOT NULL,
    columns TEXT NOT NULL,
    PRIMARY KEY (dataset, number)
);

CREATE TABLE dataset_contract (
    dataset TEXT NOT NULL REFERENCES dataset (name),
    number BIGINT NOT NULL,
    yaml TEXT NOT NULL,
    author TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (dataset, number)
);

CREATE TABLE dataset_event_batch (
    dataset TEXT NOT NULL,
    branch TEXT NOT NULL,
    first_event BIGINT NOT NULL,
    events BIGINT NOT NULL,
    author TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    lines TEXT NOT NULL,
    PRIMARY KEY (dataset, branch, first_event)
);

CREATE TABLE dataset_event_id (
    dataset TEXT NOT NULL,
    branch TEXT NOT NULL,
    event_id TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (dataset, branch, event_id)
) WITHOUT ROWID;

CREATE TABLE dataset_export (
    dataset TEXT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    PRIMARY KEY (dataset, number, name)
);

CREATE TABLE dataset_merge (
    id TEXT PRIMARY KEY,
    dataset TEXT NOT NULL REFERENCES dataset (name),
    into_branch TEXT NOT NULL,
    from_name TEXT NOT NULL,
    base BIGINT,
    ours BIGINT NOT NULL,
    theirs BIGINT NOT NULL,
    key_columns TEXT NOT NULL,
    granularity TEXT NOT NULL,
    rules TEXT NOT NULL,
    decided TEXT NOT NULL,
    schema_conflicts TEXT NOT NULL,
    counts TEXT NOT NULL,
    manifest TEXT,
    state TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    message TEXT NOT NULL,
    author TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    version BIGINT
);

CREATE TABLE dataset_merge_choice (
    merge_id TEXT NOT NULL REFERENCES dataset_merge (id),
    conflict BIGINT NOT NULL,
    choice TEXT NOT NULL,
    value TEXT,
    author TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    PRIMARY KEY (merge_id, conflict)
);

CREATE TABLE dataset_named_version (
    dataset TEXT NOT NULL REFERENCES dataset (name),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    number BIGINT NOT NULL,
    author TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (dataset, name)
);

CREATE TABLE dataset_quality (
    dataset TEXT NOT NULL,
    number BIGINT NOT NULL,
    contract BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (dataset, number)
);

CREATE TABLE dataset_record (
    dataset TEXT PRIMARY KEY REFERENCES dataset (name),
    card TEXT NOT NULL,
    facts TEXT NOT NULL,
    pii_policy TEXT NOT NULL,
    author TEXT NOT NULL,
    updated_ms BIGINT NOT NULL
);

CREATE TABLE dataset_retention (
    dataset TEXT PRIMARY KEY REFERENCES dataset (name),
    keep_last BIGINT,
    keep_days BIGINT,
    keep_tagged BOOLEAN NOT NULL,
    is_automatic BOOLEAN NOT NULL,
    author TEXT NOT NULL,
    changed_ms BIGINT NOT NULL,
    applied_ms BIGINT
);

CREATE TABLE dataset_stream (
    dataset TEXT NOT NULL REFERENCES dataset (name),
    branch TEXT NOT NULL,
    flush_rows BIGINT NOT NULL,
    flush_seconds DOUBLE PRECISION NOT NULL,
    remember_seconds DOUBLE PRECISION NOT NULL,
    on_change TEXT NOT NULL,
    accepted BIGINT NOT NULL,
    PRIMARY KEY (dataset, branch)
);

CREATE TABLE dataset_version (
    dataset TEXT NOT NULL REFERENCES dataset (name),
    number BIGINT NOT NULL,
    manifest TEXT NOT NULL,
    digest TEXT NOT NULL,
    columns TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    file_count BIGINT NOT NULL,
    message TEXT NOT NULL,
    author TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    recipe TEXT NOT NULL,
    recipe_digest TEXT NOT NULL,
    profile TEXT, branch TEXT NOT NULL DEFAULT 'main', parent BIGINT, merged BIGINT, tree TEXT, deleted_ms BIGINT, deleted_by TEXT,
    PRIMARY KEY (dataset, number)
);

CREATE TABLE endpoint (
    name TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    model_name TEXT NOT NULL,
    model_selector TEXT,
    log_rate DOUBLE PRECISION NOT NULL,
    log_mode TEXT NOT NULL,
    isolation TEXT NOT NULL,
    owner TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);

CREATE TABLE evaluation_dataset (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    project TEXT NOT NULL,
    digest TEXT NOT NULL,
    schema TEXT,
    records BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    created_by TEXT,
    updated_by TEXT
) WITHOUT ROWID;

CREATE TABLE evaluation_dataset_experiment (
    dataset TEXT NOT NULL,
    experiment BIGINT NOT NULL,
    PRIMARY KEY (dataset, experiment)
) WITHOUT ROWID;

CREATE TABLE evaluation_dataset_tag (
    dataset TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (dataset, key)
) WITHOUT ROWID;

CREATE TABLE evaluation_record (
    dataset TEXT NOT NULL,
    input_digest TEXT NOT NULL,
    id TEXT NOT NULL,
    inputs TEXT NOT NULL,
    outputs TEXT,
    expectations TEXT,
    tags TEXT,
    source TEXT,
    source_type TEXT,
    source_id TEXT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    created_by TEXT,
    updated_by TEXT,
    PRIMARY KEY (dataset, input_digest)
);

CREATE TABLE experiment (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    artifact_location TEXT NOT NULL,
    is_deleted BOOLEAN NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE experiment_tag (
    experiment BIGINT NOT NULL REFERENCES experiment (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (experiment, key)
) WITHOUT ROWID;

CREATE TABLE input_dataset (
    key BIGINT PRIMARY KEY,
    experiment BIGINT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema TEXT,
    profile TEXT,
    UNIQUE (experiment, name, digest)
);

CREATE TABLE label_annotator (
    task_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    cursor_position BIGINT NOT NULL,
    cursor_number BIGINT NOT NULL,
    submitted BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (task_id, name)
) WITHOUT ROWID;

CREATE TABLE label_history (
    task_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    annotator TEXT,
    value TEXT,
    comment TEXT,
    seconds DOUBLE PRECISION,
    PRIMARY KEY (task_id, number, revision)
) WITHOUT ROWID;

CREATE TABLE label_item (
    task_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    row_key TEXT NOT NULL,
    position BIGINT NOT NULL,
    slots BIGINT NOT NULL,
    votes BIGINT NOT NULL,
    state TEXT NOT NULL,
    assignee TEXT,
    extent_a DOUBLE PRECISION,
    extent_b DOUBLE PRECISION,
    source_id TEXT,
    final_value TEXT,
    final_by TEXT,
    final_ms BIGINT,
    PRIMARY KEY (task_id, number)
) WITHOUT ROWID;

CREATE TABLE label_prelabel (
    task_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    model TEXT NOT NULL,
    value TEXT NOT NULL,
    score DOUBLE PRECISION,
    entropy DOUBLE PRECISION,
    margin DOUBLE PRECISION,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (task_id, number, model)
) WITHOUT ROWID;

CREATE TABLE label_schema (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    project TEXT NOT NULL,
    definition TEXT NOT NULL,
    author TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE label_task (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    dataset TEXT NOT NULL,
    dataset_version BIGINT NOT NULL,
    schema_name TEXT NOT NULL,
    schema_version BIGINT NOT NULL,
    settings TEXT NOT NULL,
    overlap BIGINT NOT NULL,
    state TEXT NOT NULL,
    author TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    item_count BIGINT NOT NULL,
    complete_count BIGINT NOT NULL,
    reviewed_count BIGINT NOT NULL,
    annotation_count BIGINT NOT NULL
);

CREATE TABLE label_work (
    task_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    annotator TEXT NOT NULL,
    state TEXT NOT NULL,
    value TEXT,
    draft TEXT,
    origin TEXT,
    comment TEXT,
    started_ms BIGINT NOT NULL,
    lease_ms BIGINT,
    done_ms BIGINT,
    seconds DOUBLE PRECISION,
    PRIMARY KEY (task_id, number, annotator)
) WITHOUT ROWID;

CREATE TABLE ledger_cursor (
    name TEXT PRIMARY KEY,
    sequence BIGINT NOT NULL
);

CREATE TABLE ledger_event (
    sequence BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    time_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    project TEXT,
    data TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE lineage_edge (
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    relation TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (target, source, relation)
);

CREATE TABLE logged_model (
    key BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    experiment BIGINT NOT NULL REFERENCES experiment (id),
    name TEXT NOT NULL,
    type TEXT,
    status TEXT NOT NULL,
    source_run TEXT,
    artifact_location TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    is_deleted BOOLEAN NOT NULL
) WITHOUT ROWID;

CREATE TABLE logged_model_metric (
    model BIGINT NOT NULL,
    metric BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    step BIGINT NOT NULL,
    run BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    is_nan BOOLEAN NOT NULL,
    dataset_name TEXT,
    dataset_digest TEXT,
    PRIMARY KEY (model, metric, time_ms, step, run)
) WITHOUT ROWID;

CREATE TABLE logged_model_param (
    model BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) WITHOUT ROWID;

CREATE TABLE logged_model_tag (
    model BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) WITHOUT ROWID;

CREATE TABLE metric_block (
    run BIGINT NOT NULL,
    metric BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    points BIGINT NOT NULL,
    pack TEXT NOT NULL,
    PRIMARY KEY (run, metric, sequence)
);

CREATE TABLE metric_latest (
    run BIGINT NOT NULL,
    metric BIGINT NOT NULL,
    step BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    is_nan BOOLEAN NOT NULL, experiment BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (run, metric)
) WITHOUT ROWID;

CREATE TABLE metric_name (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) WITHOUT ROWID;

CREATE TABLE metric_summary (
    run BIGINT NOT NULL,
    metric BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    parts TEXT NOT NULL,
    PRIMARY KEY (run, metric, sequence)
) WITHOUT ROWID;

CREATE TABLE metric_tail (
    run BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    pack TEXT NOT NULL,
    PRIMARY KEY (run, sequence)
);

CREATE TABLE model_alias (
    id TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    alias TEXT NOT NULL,
    version BIGINT NOT NULL,
    from_ms BIGINT NOT NULL,
    until_ms BIGINT,
    set_by TEXT NOT NULL,
    reason TEXT NOT NULL
);

CREATE TABLE model_approval (
    id TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    version BIGINT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('approve', 'reject')),
    comment TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_ms BIGINT NOT NULL
);

CREATE TABLE model_evaluation (
    id TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    version BIGINT NOT NULL,
    dataset TEXT,
    slice TEXT,
    run TEXT,
    metrics TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL
);

CREATE TABLE model_reproduction (
    id TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    version BIGINT NOT NULL,
    tolerance DOUBLE PRECISION NOT NULL,
    keeps BOOLEAN NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'failed')),
    pipeline_run TEXT,
    result TEXT,
    problem TEXT,
    started_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    ended_ms BIGINT
);

CREATE TABLE model_version (
    model TEXT NOT NULL REFERENCES registered_model (id),
    version BIGINT NOT NULL,
    owner TEXT NOT NULL,
    description TEXT NOT NULL,
    source TEXT NOT NULL,
    run_id TEXT,
    logged_model_id TEXT,
    run_link TEXT,
    has_files BOOLEAN NOT NULL,
    stage TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    deleted_ms BIGINT,
    recipe TEXT NOT NULL,
    pipeline_run TEXT,
    card TEXT,
    PRIMARY KEY (model, version)
);

CREATE TABLE model_version_tag (
    model TEXT NOT NULL,
    version BIGINT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, version, name)
) WITHOUT ROWID;

CREATE TABLE monitor (
    name TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    version BIGINT NOT NULL,
    every_seconds DOUBLE PRECISION,
    next_ms BIGINT
);

CREATE TABLE monitor_alert (
    id TEXT PRIMARY KEY,
    monitor TEXT NOT NULL,
    version BIGINT NOT NULL,
    project TEXT NOT NULL,
    state TEXT NOT NULL,
    opened_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    resolved_ms BIGINT,
    report TEXT NOT NULL,
    summary TEXT NOT NULL,
    acknowledged_by TEXT,
    comment TEXT
);

CREATE TABLE monitor_report (
    id TEXT PRIMARY KEY,
    monitor TEXT NOT NULL,
    version BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL,
    alert TEXT,
    created_ms BIGINT NOT NULL
);

CREATE TABLE monitor_start (
    event TEXT PRIMARY KEY,
    alert TEXT NOT NULL REFERENCES monitor_alert (id),
    monitor TEXT NOT NULL,
    project TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    params TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    state TEXT NOT NULL,
    run TEXT,
    problem TEXT
);

CREATE TABLE monitor_version (
    monitor TEXT NOT NULL REFERENCES monitor (name),
    number BIGINT NOT NULL,
    spec TEXT NOT NULL,
    reference TEXT NOT NULL,
    author TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (monitor, number)
);

CREATE TABLE object_manifest (
    id TEXT PRIMARY KEY,
    owner_ref TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE object_manifest_entry (
    manifest_id TEXT NOT NULL REFERENCES object_manifest (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    parent TEXT NOT NULL,
    digest TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (manifest_id, path)
) WITHOUT ROWID;

CREATE TABLE object_manifest_folder (
    manifest_id TEXT NOT NULL REFERENCES object_manifest (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    parent TEXT NOT NULL,
    PRIMARY KEY (manifest_id, path)
) WITHOUT ROWID;

CREATE TABLE object_tree (
    owner_ref TEXT PRIMARY KEY,
    root TEXT NOT NULL,
    files BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    released_ms BIGINT
);

CREATE TABLE openlineage_target (
    name TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    namespace TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    error TEXT,
    author TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE pipeline_code (
    pipeline TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    manifest TEXT NOT NULL,
    digest TEXT NOT NULL
);

CREATE TABLE pipeline_run (
    id TEXT PRIMARY KEY,
    pipeline TEXT NOT NULL,
    version BIGINT NOT NULL,
    project TEXT NOT NULL,
    state TEXT NOT NULL,
    params TEXT NOT NULL,
    pins TEXT NOT NULL,
    cause TEXT,
    actor TEXT NOT NULL,
    uses_cache BOOLEAN NOT NULL,
    created_ms BIGINT NOT NULL,
    started_ms BIGINT,
    ended_ms BIGINT,
    problem TEXT
);

CREATE TABLE pipeline_schedule (
    pipeline TEXT PRIMARY KEY,
    fired_ms BIGINT NOT NULL
);

CREATE TABLE pipeline_step_run (
    run TEXT NOT NULL REFERENCES pipeline_run (id),
    step TEXT NOT NULL,
    position BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    recipe TEXT,
    recipe_digest TEXT,
    cached_from TEXT,
    outputs TEXT NOT NULL,
    problem TEXT,
    usage TEXT,
    started_ms BIGINT,
    ended_ms BIGINT,
    PRIMARY KEY (run, step)
);

CREATE TABLE pipeline_version (
    pipeline TEXT NOT NULL,
    number BIGINT NOT NULL,
    project TEXT NOT NULL,
    definition TEXT NOT NULL,
    code_manifest TEXT,
    code_digest TEXT,
    author TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (pipeline, number)
);

CREATE TABLE prediction (
    id TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL,
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    version BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    layout TEXT,
    inputs TEXT NOT NULL,
    outputs TEXT NOT NULL,
    request_id TEXT NOT NULL,
    principal TEXT NOT NULL
);

CREATE TABLE prediction_feedback (
    prediction TEXT NOT NULL,
    row_number BIGINT NOT NULL,
    value TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    told_by TEXT NOT NULL,
    PRIMARY KEY (prediction, row_number)
) WITHOUT ROWID;

CREATE TABLE prediction_layout (
    id TEXT PRIMARY KEY,
    columns TEXT NOT NULL
);

CREATE TABLE principal (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'service')),
    role TEXT,
    created_ms BIGINT NOT NULL
);

CREATE TABLE project (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    description TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE project_goal (
    project TEXT NOT NULL REFERENCES project (name),
    name TEXT NOT NULL,
    target DOUBLE PRECISION NOT NULL,
    is_relative BOOLEAN NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE project_grant (
    project TEXT NOT NULL,
    principal TEXT NOT NULL REFERENCES principal (name),
    role TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (project, principal)
);

CREATE TABLE project_measurement (
    project TEXT NOT NULL,
    goal TEXT NOT NULL,
    measured_ms BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    evidence TEXT,
    PRIMARY KEY (project, goal, measured_ms)
);

CREATE TABLE registered_model (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    project TEXT NOT NULL,
    owner TEXT NOT NULL,
    description TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    deleted_ms BIGINT,
    last_version BIGINT NOT NULL,
    approvals_required BIGINT NOT NULL,
    self_approval BOOLEAN NOT NULL,
    protected_aliases TEXT NOT NULL
);

CREATE TABLE registered_model_tag (
    model TEXT NOT NULL REFERENCES registered_model (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, name)
) WITHOUT ROWID;

CREATE TABLE run (
    key BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    experiment BIGINT NOT NULL REFERENCES experiment (id),
    name TEXT NOT NULL,
    user_name TEXT NOT NULL,
    status TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    is_deleted BOOLEAN NOT NULL,
    deleted_ms BIGINT,
    artifact_location TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE run_input (
    run BIGINT NOT NULL,
    dataset BIGINT NOT NULL,
    context TEXT,
    tags TEXT NOT NULL,
    PRIMARY KEY (run, dataset)
) WITHOUT ROWID;

CREATE TABLE run_model (
    run BIGINT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('input', 'output')),
    model TEXT NOT NULL,
    step BIGINT NOT NULL,
    PRIMARY KEY (run, role, model, step)
) WITHOUT ROWID;

CREATE TABLE run_param (
    run BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, experiment BIGINT NOT NULL DEFAULT 0, short TEXT  NOT NULL DEFAULT '',
    PRIMARY KEY (run, key)
) WITHOUT ROWID;

CREATE TABLE run_tag (
    run BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, experiment BIGINT NOT NULL DEFAULT 0, short TEXT  NOT NULL DEFAULT '',
    PRIMARY KEY (run, key)
) WITHOUT ROWID;

CREATE TABLE saved_search (
    project TEXT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    saved_by TEXT NOT NULL,
    saved_ms BIGINT NOT NULL,
    PRIMARY KEY (project, owner, name)
) WITHOUT ROWID;

CREATE TABLE schema_migration (id TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_ms BIGINT NOT NULL);

CREATE TABLE scorer (
    id TEXT NOT NULL,
    experiment BIGINT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    serialized TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (experiment, name, version)
);

CREATE TABLE secret (
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    sealed TEXT NOT NULL,
    author TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE slice (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    project TEXT NOT NULL,
    dataset TEXT NOT NULL,
    condition TEXT NOT NULL,
    description TEXT NOT NULL,
    owner TEXT NOT NULL,
    created_ms BIGINT NOT NULL, over_ref TEXT NOT NULL DEFAULT '', rule TEXT NOT NULL DEFAULT '', purpose TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (name, version)
);

CREATE TABLE source (
    name TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    kind TEXT NOT NULL,
    location TEXT NOT NULL,
    query TEXT,
    format TEXT,
    encoding TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    imported_ms BIGINT,
    seen TEXT
, settings TEXT NOT NULL DEFAULT '{}', checked_ms BIGINT, changed_ms BIGINT, late_ms BIGINT, fired_ms BIGINT, problem TEXT);

CREATE TABLE source_policy (
    project TEXT PRIMARY KEY,
    hosts TEXT NOT NULL,
    allows_private BOOLEAN NOT NULL
);

CREATE TABLE token (
    id TEXT PRIMARY KEY,
    principal TEXT NOT NULL REFERENCES principal (name),
    label TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    scopes TEXT,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT,
    revoked_ms BIGINT
, parent TEXT);

CREATE TABLE trace (
    key BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    experiment BIGINT NOT NULL,
    started_ms BIGINT NOT NULL,
    duration_ms BIGINT,
    state TEXT NOT NULL,
    name TEXT,
    client_request_id TEXT,
    request_preview TEXT,
    response_preview TEXT,
    is_final BOOLEAN NOT NULL,
    manifest TEXT
) WITHOUT ROWID;

CREATE TABLE trace_assessment (
    trace BIGINT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('feedback', 'expectation', 'issue')),
    value TEXT NOT NULL,
    number DOUBLE PRECISION,
    error TEXT,
    source_type TEXT NOT NULL,
    source_id TEXT,
    rationale TEXT,
    metadata TEXT NOT NULL,
    span TEXT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    overrides TEXT,
    is_valid BOOLEAN NOT NULL,
    PRIMARY KEY (trace, id)
) WITHOUT ROWID;

CREATE TABLE trace_link (
    trace BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('run', 'prompt')),
    target TEXT NOT NULL,
    PRIMARY KEY (kind, target, trace)
) WITHOUT ROWID;

CREATE TABLE trace_metadata (
    trace BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (trace, key)
) WITHOUT ROWID;

CREATE TABLE trace_span (
    trace BIGINT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT,
    name TEXT NOT NULL,
    type TEXT,
    status TEXT NOT NULL,
    started_ns BIGINT NOT NULL,
    ended_ns BIGINT,
    body TEXT NOT NULL,
    object TEXT,
    PRIMARY KEY (trace, id)
);

CREATE TABLE trace_tag (
    trace BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (trace, key)
) WITHOUT ROWID;

CREATE TABLE webhook (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    status TEXT NOT NULL,
    secret TEXT,
    author TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);

CREATE TABLE webhook_delivery (
    id TEXT PRIMARY KEY,
    webhook_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    due_ms BIGINT,
    finished_ms BIGINT,
    response_status BIGINT,
    error TEXT,
    UNIQUE (webhook_id, event_id, event)
);

CREATE INDEX dataset_event_id_received ON dataset_event_id (received_ms);

CREATE INDEX dataset_merge_dataset ON dataset_merge (dataset, created_ms);

CREATE INDEX dataset_project ON dataset (project, name);

CREATE INDEX dataset_version_digest ON dataset_version (digest);

CREATE INDEX dataset_version_recipe ON dataset_version (dataset, recipe_digest);

CREATE INDEX evaluation_dataset_created ON evaluation_dataset (created_ms DESC, id);

CREATE INDEX evaluation_dataset_of_experiment ON evaluation_dataset_experiment (experiment);

CREATE INDEX evaluation_record_created ON evaluation_record (dataset, created_ms, id);

CREATE INDEX experiment_project ON experiment (project);

CREATE INDEX label_item_complete ON label_item (task_id, number) WHERE state = 'complete';

CREATE UNIQUE INDEX label_item_key ON label_item (task_id, row_key);

CREATE INDEX label_item_labelled ON label_item (task_id, number) WHERE votes > 0 OR final_ms IS NOT NULL;

CREATE INDEX label_item_queue ON label_item (task_id, position, number) WHERE slots > 0;

CREATE INDEX label_task_dataset ON label_task (dataset);

CREATE INDEX label_work_annotator ON label_work (task_id, annotator, state, done_ms);

CREATE INDEX label_work_lease ON label_work (task_id, lease_ms) WHERE state = 'leased';

CREATE INDEX ledger_event_subject ON ledger_event (subject, sequence);

CREATE INDEX ledger_event_type ON ledger_event (type, sequence);

CREATE INDEX lineage_edge_source ON lineage_edge (source);

CREATE INDEX logged_model_experiment_created ON logged_model (experiment, created_ms DESC, id);

CREATE INDEX metric_latest_search ON metric_latest (experiment, metric, is_nan, value, run);

CREATE UNIQUE INDEX model_alias_current ON model_alias (model, alias) WHERE until_ms IS NULL;

CREATE INDEX model_alias_history ON model_alias (model, alias, from_ms);

CREATE INDEX model_approval_version ON model_approval (model, version, id);

CREATE INDEX model_evaluation_version ON model_evaluation (model, version, id);

CREATE INDEX model_reproduction_run ON model_reproduction (pipeline_run);

CREATE INDEX model_reproduction_version ON model_reproduction (model, version, id);

CREATE INDEX model_version_pipeline_run ON model_version (pipeline_run);

CREATE INDEX model_version_run ON model_version (run_id);

CREATE INDEX model_version_updated ON model_version (updated_ms);

CREATE INDEX monitor_alert_monitor ON monitor_alert (monitor, state);

CREATE INDEX monitor_alert_state ON monitor_alert (state, id);

CREATE INDEX monitor_next ON monitor (next_ms);

CREATE INDEX monitor_report_monitor ON monitor_report (monitor, at_ms, id);

CREATE INDEX monitor_start_alert ON monitor_start (alert, at_ms);

CREATE INDEX monitor_start_monitor ON monitor_start (monitor, at_ms);

CREATE INDEX monitor_start_state ON monitor_start (state);

CREATE INDEX object_manifest_entry_digest ON object_manifest_entry (digest);

CREATE INDEX object_manifest_entry_parent ON object_manifest_entry (manifest_id, parent, path);

CREATE INDEX object_manifest_folder_parent ON object_manifest_folder (manifest_id, parent, path);

CREATE INDEX object_manifest_owner ON object_manifest (owner_ref);

CREATE INDEX object_tree_created ON object_tree (created_ms, owner_ref);

CREATE UNIQUE INDEX pipeline_run_cause ON pipeline_run (pipeline, cause);

CREATE INDEX pipeline_run_pipeline ON pipeline_run (pipeline, created_ms);

CREATE INDEX pipeline_run_state ON pipeline_run (state, created_ms);

CREATE INDEX pipeline_step_run_recipe ON pipeline_step_run (recipe_digest, ended_ms);

CREATE INDEX prediction_endpoint ON prediction (endpoint, time_ms, id);

CREATE INDEX project_grant_principal ON project_grant (principal);

CREATE UNIQUE INDEX registered_model_name ON registered_model (name) WHERE deleted_ms IS NULL;

CREATE INDEX registered_model_tag_name ON registered_model_tag (name);

CREATE INDEX run_deleted ON run (experiment, key) WHERE is_deleted;

CREATE INDEX run_ended ON run (experiment, ended_ms, key);

CREATE INDEX run_input_dataset ON run_input (dataset);

CREATE INDEX run_param_search ON run_param (experiment, key, short, run);

CREATE INDEX run_started ON run (experiment, started_ms, key);

CREATE INDEX run_status ON run (experiment, status, key);

CREATE INDEX run_tag_search ON run_tag (experiment, key, short, run);

CREATE INDEX token_principal ON token (principal);

CREATE INDEX trace_experiment_started ON trace (experiment, started_ms DESC, id);

CREATE INDEX trace_link_trace ON trace_link (trace);

CREATE INDEX trace_source_run ON trace_metadata (substr(value, 1, 32)) WHERE key = 'mlflow.sourceRun';

CREATE INDEX webhook_delivery_due ON webhook_delivery (due_ms);

CREATE INDEX webhook_delivery_log ON webhook_delivery (webhook_id, created_ms, id);

CREATE INDEX webhook_project ON webhook (project, created_ms);

