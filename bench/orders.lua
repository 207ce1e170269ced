-- A 1.2 KB form of 41 fields, a new order_id each time; the secret stands in a field, the dearest proof to check.
local secret = os.getenv("BENCH_SECRET")
local run = os.getenv("BENCH_RUN")
local count = 0
local rest = "&event=order.completed&format_version=1&currency=GBP&locale=en-GB&order_date=2026-11-23T14%3A05%3A00Z"
  .. "&order_number=1042&order_status=completed&payment_status=paid&subtotal=57.97&discount_total=5.80"
  .. "&shipping_total=4.95&tax_total=9.52&total=57.12&shipping_method=Royal+Mail+48&payment_gateway=paypal"
  .. "&customer_first_name=Zo%C3%AB&customer_last_name=M%C3%BCller&customer_phone=%2B44+20+7946+0958"
  .. "&customer_is_guest=true&customer_accepts_marketing=false&billing_name=Zo%C3%AB+M%C3%BCller"
  .. "&billing_line1=12+High+Street&billing_city=Exeter&billing_postcode=EX4+3LN&billing_country=GB"
  .. "&item_1_sku=MUG-RED-L&item_1_name=Enamel+mug&item_1_quantity=2&item_1_unit_price=18.50&item_1_options=Colour%3A+red"
  .. "&item_2_sku=TEE-M&item_2_name=T-shirt&item_2_quantity=1&item_2_unit_price=15.97&item_2_total=15.97"
  .. "&item_3_sku=STICKER&item_3_name=Sticker&item_3_quantity=5&item_3_unit_price=1.00&item_3_total=5.00"
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
request = function()
  count = count + 1
  local id = run .. "-" .. count
  local body = "order_id=" .. id .. "&customer_email=c" .. count .. "%40shop.example&shared_secret="
    .. secret:gsub("+", "%%2B"):gsub("/", "%%2F"):gsub("=", "%%3D") .. rest
  return wrk.format(nil, nil, nil, body)
end
done = function(summary, latency)
  io.write(string.format("RESULT %f %f %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(99) / 1000, summary.errors.status + summary.errors.connect + summary.errors.timeout))
end
