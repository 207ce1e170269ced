CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE administrator (
    id INTEGER NOT NULL,
    password_hash TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    CONSTRAINT pk_administrator PRIMARY KEY (id)
);
CREATE TABLE clock_jumps (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "before" BIGINT NOT NULL,
    at BIGINT NOT NULL,
    gap BIGINT NOT NULL,
    off BIGINT NOT NULL,
    credit BIGINT DEFAULT 0 NOT NULL,
    believed BOOLEAN NOT NULL,
    hours_left INTEGER NOT NULL,
    orders INTEGER NOT NULL,
    mails INTEGER NOT NULL,
    transmissions INTEGER NOT NULL
);
CREATE TABLE customers (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL,
    first_name TEXT,
    last_name TEXT,
    company TEXT,
    phone TEXT,
    locale TEXT,
    accepts_marketing BOOLEAN NOT NULL,
    consent_at BIGINT,
    consent_source TEXT,
    registered_at BIGINT NOT NULL,
    applied_order_date BIGINT,
    claimed_at BIGINT,
    CONSTRAINT uq_customers_email UNIQUE (email)
);
CREATE TABLE mapped_fields (
    source TEXT NOT NULL,
    field TEXT NOT NULL,
    rule TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    CONSTRAINT pk_mapped_fields PRIMARY KEY (source, field)
);
CREATE TABLE notices (
    kind TEXT NOT NULL,
    last_seen BIGINT NOT NULL,
    mailed_at BIGINT,
    CONSTRAINT pk_notices PRIMARY KEY (kind)
);
CREATE TABLE order_control (
    id INTEGER NOT NULL,
    enabled BOOLEAN NOT NULL,
    url TEXT NOT NULL,
    encoding TEXT NOT NULL,
    sends_secret_field BOOLEAN NOT NULL,
    changed_at BIGINT NOT NULL,
    failing_since BIGINT,
    disabled_because TEXT,
    CONSTRAINT pk_order_control PRIMARY KEY (id)
);
CREATE TABLE orders (
    source TEXT NOT NULL,
    "key" TEXT NOT NULL,
    test BOOLEAN NOT NULL,
    decided TEXT,
    event_id TEXT,
    order_id TEXT,
    email TEXT,
    total TEXT,
    currency TEXT,
    encoding TEXT NOT NULL,
    fields TEXT NOT NULL,
    fields_digest TEXT NOT NULL,
    content_digest TEXT,
    may_be_cut BOOLEAN DEFAULT 0 NOT NULL,
    notes TEXT NOT NULL,
    held_card_data BOOLEAN DEFAULT 0 NOT NULL,
    "order" TEXT,
    errors TEXT,
    proof TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    webhook_id TEXT,
    webhook_timestamp BIGINT,
    received_at BIGINT NOT NULL,
    copies INTEGER DEFAULT 0 NOT NULL,
    differing_copies INTEGER DEFAULT 0 NOT NULL,
    duplicate_of TEXT,
    same_id_as INTEGER,
    id INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    due_at BIGINT,
    lease_token TEXT,
    lease_until BIGINT,
    CONSTRAINT pk_orders PRIMARY KEY (id),
    CONSTRAINT uq_orders_source UNIQUE (source, "key")
);
CREATE INDEX ix_orders_counted ON orders (received_at, test, state, copies);
CREATE INDEX ix_orders_due ON orders (due_at) WHERE state = 'open';
CREATE INDEX ix_orders_duplicate_of ON orders (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX ix_orders_email ON orders (email);
CREATE INDEX ix_orders_held_back ON orders (source) WHERE state = 'parked' AND may_be_cut;
CREATE INDEX ix_orders_held_card_data ON orders (id) WHERE held_card_data;
CREATE INDEX ix_orders_leased ON orders (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX ix_orders_order_id ON orders (order_id);
CREATE INDEX ix_orders_parked ON orders (id) WHERE state = 'parked';
CREATE INDEX ix_orders_same_id_as ON orders (same_id_as) WHERE same_id_as IS NOT NULL;
CREATE TABLE processes (
    token TEXT NOT NULL,
    place TEXT NOT NULL,
    pid INTEGER NOT NULL,
    kind TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    handlers TEXT NOT NULL,
    files TEXT NOT NULL,
    CONSTRAINT pk_processes PRIMARY KEY (token)
);
CREATE TABLE refusals (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    address TEXT,
    headers TEXT NOT NULL,
    fields TEXT NOT NULL
);
CREATE INDEX ix_refusals_reason ON refusals (reason, id);
CREATE TABLE shared_secrets (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    ciphertext TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at BIGINT,
    accepts BOOLEAN DEFAULT 1 NOT NULL,
    signs BOOLEAN DEFAULT 0 NOT NULL,
    CONSTRAINT pk_shared_secrets PRIMARY KEY (id)
);
CREATE INDEX ix_shared_secrets_fingerprint ON shared_secrets (fingerprint);
CREATE TABLE sign_in_attempts (
    id INTEGER NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    address TEXT,
    account TEXT,
    device TEXT,
    CONSTRAINT pk_sign_in_attempts PRIMARY KEY (id)
);
CREATE INDEX ix_sign_in_attempts_account ON sign_in_attempts (account, at);
CREATE INDEX ix_sign_in_attempts_address ON sign_in_attempts (address, at);
CREATE INDEX ix_sign_in_attempts_at ON sign_in_attempts (at);
CREATE TABLE sign_in_turns (
    id INTEGER NOT NULL,
    next_at BIGINT NOT NULL,
    CONSTRAINT pk_sign_in_turns PRIMARY KEY (id)
);
CREATE TABLE source_options (
    source TEXT NOT NULL,
    option TEXT NOT NULL,
    value TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    CONSTRAINT pk_source_options PRIMARY KEY (source, option)
);
CREATE TABLE transmissions (
    event_id TEXT NOT NULL,
    target TEXT DEFAULT ('') NOT NULL,
    order_id TEXT NOT NULL,
    test BOOLEAN NOT NULL,
    "order" TEXT NOT NULL,
    detail TEXT,
    created_at BIGINT NOT NULL,
    settled_at BIGINT,
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    due_at BIGINT,
    lease_token TEXT,
    lease_until BIGINT,
    CONSTRAINT uq_transmissions_event_id UNIQUE (event_id)
);
CREATE INDEX ix_transmissions_due ON transmissions (state, due_at, id);
CREATE INDEX ix_transmissions_leased ON transmissions (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX ix_transmissions_order_id ON transmissions (order_id);
CREATE INDEX ix_transmissions_state ON transmissions (state, id);
CREATE TABLE upkeep (
    id INTEGER NOT NULL,
    beat_at BIGINT NOT NULL,
    beats INTEGER DEFAULT 0 NOT NULL,
    suspended_hours INTEGER DEFAULT 0 NOT NULL,
    orders INTEGER NOT NULL,
    mails INTEGER NOT NULL,
    transmissions INTEGER NOT NULL,
    CONSTRAINT pk_upkeep PRIMARY KEY (id)
);
CREATE TABLE accounts (
    customer_pk INTEGER NOT NULL,
    password_hash TEXT,
    link_made_at BIGINT,
    CONSTRAINT pk_accounts PRIMARY KEY (customer_pk),
    CONSTRAINT fk_accounts_customer_pk_customers FOREIGN KEY(customer_pk) REFERENCES customers (id) ON DELETE CASCADE
);
CREATE TABLE customer_addresses (
    id INTEGER NOT NULL,
    customer_pk INTEGER NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    name TEXT,
    company TEXT,
    line1 TEXT,
    line2 TEXT,
    city TEXT,
    region TEXT,
    postcode TEXT,
    country TEXT,
    used_at BIGINT NOT NULL,
    CONSTRAINT pk_customer_addresses PRIMARY KEY (id),
    CONSTRAINT fk_customer_addresses_customer_pk_customers FOREIGN KEY(customer_pk) REFERENCES customers (id) ON DELETE CASCADE,
    CONSTRAINT uq_customer_addresses_customer_pk UNIQUE (customer_pk, kind, digest)
);
CREATE TABLE handler_once (
    id INTEGER NOT NULL,
    handler TEXT NOT NULL,
    digest TEXT NOT NULL,
    order_pk INTEGER,
    at BIGINT NOT NULL,
    CONSTRAINT pk_handler_once PRIMARY KEY (id),
    CONSTRAINT fk_handler_once_order_pk_orders FOREIGN KEY(order_pk) REFERENCES orders (id) ON DELETE SET NULL,
    CONSTRAINT uq_handler_once_handler UNIQUE (handler, digest)
);
CREATE INDEX ix_handler_once_order_pk ON handler_once (order_pk);
CREATE TABLE mails (
    order_pk INTEGER,
    handler TEXT,
    test BOOLEAN NOT NULL,
    message_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    reply_to TEXT,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    html TEXT,
    attachments TEXT NOT NULL,
    detail TEXT,
    created_at BIGINT NOT NULL,
    sent_at BIGINT,
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    due_at BIGINT,
    lease_token TEXT,
    lease_until BIGINT,
    CONSTRAINT fk_mails_order_pk_orders FOREIGN KEY(order_pk) REFERENCES orders (id) ON DELETE CASCADE,
    CONSTRAINT uq_mails_message_id UNIQUE (message_id)
);
CREATE INDEX ix_mails_counted ON mails (created_at, test, state);
CREATE INDEX ix_mails_due ON mails (state, due_at, id);
CREATE INDEX ix_mails_leased ON mails (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX ix_mails_order_pk ON mails (order_pk);
CREATE INDEX ix_mails_state ON mails (state, id);
CREATE TABLE order_handlers (
    id INTEGER NOT NULL,
    order_pk INTEGER NOT NULL,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    run INTEGER DEFAULT 1 NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    waiting_since BIGINT NOT NULL,
    due_at BIGINT,
    detail TEXT,
    milliseconds INTEGER,
    changed_at BIGINT NOT NULL,
    CONSTRAINT pk_order_handlers PRIMARY KEY (id),
    CONSTRAINT fk_order_handlers_order_pk_orders FOREIGN KEY(order_pk) REFERENCES orders (id) ON DELETE CASCADE,
    CONSTRAINT uq_order_handlers_order_pk UNIQUE (order_pk, name)
);
CREATE INDEX ix_order_handlers_failed ON order_handlers (changed_at) WHERE state = 'failed';
CREATE TABLE registrations (
    customer_pk INTEGER NOT NULL,
    wanted_at BIGINT NOT NULL,
    digest TEXT,
    detail TEXT,
    changed_at BIGINT NOT NULL,
    id INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    due_at BIGINT,
    lease_token TEXT,
    lease_until BIGINT,
    CONSTRAINT pk_registrations PRIMARY KEY (id),
    CONSTRAINT fk_registrations_customer_pk_customers FOREIGN KEY(customer_pk) REFERENCES customers (id) ON DELETE CASCADE,
    CONSTRAINT uq_registrations_customer_pk UNIQUE (customer_pk)
);
CREATE INDEX ix_registrations_due ON registrations (due_at) WHERE state = 'open';
CREATE INDEX ix_registrations_failed ON registrations (changed_at) WHERE state = 'failed';
CREATE INDEX ix_registrations_leased ON registrations (lease_until) WHERE lease_until IS NOT NULL;
CREATE TABLE sign_ins (
    token_digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    customer_pk INTEGER,
    ends_at BIGINT NOT NULL,
    CONSTRAINT pk_sign_ins PRIMARY KEY (token_digest),
    CONSTRAINT fk_sign_ins_customer_pk_customers FOREIGN KEY(customer_pk) REFERENCES customers (id) ON DELETE CASCADE
);
CREATE INDEX ix_sign_ins_customer_pk ON sign_ins (customer_pk);
CREATE TABLE transmission_attempts (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    transmission_pk INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at BIGINT NOT NULL,
    url TEXT NOT NULL,
    encoding TEXT NOT NULL,
    outcome TEXT NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    next_step TEXT NOT NULL,
    milliseconds INTEGER NOT NULL,
    headers_sent TEXT NOT NULL,
    status INTEGER,
    body TEXT NOT NULL,
    content_type TEXT NOT NULL,
    address TEXT,
    tls TEXT,
    CONSTRAINT fk_transmission_attempts_transmission_pk_transmissions FOREIGN KEY(transmission_pk) REFERENCES transmissions (id) ON DELETE CASCADE
);
CREATE INDEX ix_transmission_attempts_transmission_pk ON transmission_attempts (transmission_pk);
CREATE TABLE handler_attempts (
    id INTEGER NOT NULL,
    handler_pk INTEGER NOT NULL,
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    detail TEXT,
    milliseconds INTEGER NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_handler_attempts PRIMARY KEY (id),
    CONSTRAINT fk_handler_attempts_handler_pk_order_handlers FOREIGN KEY(handler_pk) REFERENCES order_handlers (id) ON DELETE CASCADE
);
CREATE INDEX ix_handler_attempts_handler_pk ON handler_attempts (handler_pk);
INSERT INTO alembic_version VALUES ('0017');
