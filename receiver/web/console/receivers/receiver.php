<?php
// Receives completed orders: ORDER_SECRET='whsec_…' php -S 127.0.0.1:8001 receiver.php (PHP 8.1 or newer, no packages).
declare(strict_types=1);

function is_signed(string $key, string $body): bool
{
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $time = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!preg_match('/^[0-9]{1,12}$/D', $time) || abs(time() - (int) $time) > 300) {
        return false;  // within five minutes, either way
    }
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", $key, true));
    // While a secret is replaced the old and the new one both sign, separated by a space; one match is enough.
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $signature) {
        if (hash_equals($expected, $signature)) {
            return true;
        }
    }
    return false;
}

function answer(int $status): never
{
    http_response_code($status);
    exit;
}

$secret = (string) getenv('ORDER_SECRET');
// After whsec_ the key of the signature is base64; any other secret is the key itself.
$key = str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, 6)) : $secret;
if (strlen($key) < 16) {
    error_log('Set ORDER_SECRET to the whole secret that the sender shows.');
    answer(503);
}
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    header('Allow: POST');
    answer(405);
}
$body = file_get_contents('php://input');  // the raw bytes, before anything parses them
// Without a signature, for orders that carry the secret itself as the field shared_secret of a form:
// if (!hash_equals($secret, $_POST['shared_secret'] ?? '')) { answer(401); }
if (!is_signed($key, $body)) {
    answer(401);
}
$is_json = str_starts_with($_SERVER['CONTENT_TYPE'] ?? '', 'application/json');
$order = $is_json ? json_decode($body, true) : $_POST;  // raise max_input_vars for orders of over 1,000 fields
if (!isset($order['order_id'])) {
    answer(400);
}
// Your code goes here. A webhook-id you've seen before is a copy: store the ids, do nothing, answer 200.
// $order['test'] is "true" (JSON: true) for a test with made-up data.
error_log('order ' . $order['order_id']);
answer(200);
