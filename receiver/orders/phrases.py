"""The phrases by which parameters' names say which field they mean, with how surely each does so."""

from __future__ import annotations

from receiver.orders.vocabulary import our_words

Phrase = tuple[str, ...]


def _table(lines: dict[float, str]) -> dict[Phrase, float]:
    """Return phrases, given with commas between them, with how surely each means its field."""
    found: dict[Phrase, float] = {}
    for sure, phrases in lines.items():
        for phrase in phrases.split(","):
            found.setdefault(our_words(phrase), sure)
    return found


#: Fields that an order has once, by name. Each phrase is the whole last part of a parameter's name.
OF_ORDER = {
    "order_id": _table(
        {
            1.0: "order id,order reference id",
            0.95: "order reference,reference order",
            0.9: "order number,sale id,number order,order code,increment id",
            0.88: "id",
            0.86: "order,cart id,invoice number,invoice",
            0.84: "reference number,reference,invoice id,receipt id,receipt number",
            0.82: "transaction id,transaction",
            0.8: "number,payment intent,identifier",
            0.75: "token",
        }
    ),
    "order_number": _table(
        {
            1.0: "order number,number order,increment id,display id,order display id",
            0.97: "vendor order number",
            0.95: "order reference number,number",
            0.9: "invoice number,order invoice number,document number",
            0.85: "invoice id,invoice,name",
        }
    ),
    "order_date": _table(
        {
            1.0: "order date,order time,order date time,placed at,placed on,date placed,placed date,sale date placed,"
            "completed at,completed on,completed date,completed time,date completed,date order",
            0.96: "processed at,processed on,billed at,purchased at,sale date,sale time,sale date time,date sale",
            0.94: "created at,created on,created,create date,create time,date created,date created gmt,"
            "date created utc,order created at,order created on,order created,time created,created at utc,"
            "created at gmt",
            0.9: "transaction date,transaction time,transaction date time,date,date time,payment date,payment time,"
            "date paid gmt,registration time",
            0.85: "time,paid at,paid on,date paid,paid date",
            0.8: "occurred at",
        }
    ),
    "currency": _table(
        {
            1.0: "currency,currency code,currency value,currency iso code,currency iso,order currency",
            0.9: "transaction currency,payment currency,auth currency,store currency,shop currency",
            0.85: "presentment currency,presentment currency code",
        }
    ),
    "payment_status": _table(
        {
            1.0: "payment status,payment state,financial state,order payment status,status payment",
            0.9: "transaction status,transaction state,paid status,captures status,capture status",
        }
    ),
    "order_status": _table({1.0: "order status,order state,status order", 0.9: "status,state"}),
    "test": _table(
        {
            1.0: "test,test mode,is test,test order,test ipn,test request,is test order",
            0.9: "live mode,is live,live",
            0.8: "mode",
        }
    ),
    "locale": _table(
        {1.0: "locale,customer locale,locale code,language code,language,customer language", 0.8: "accept language"}
    ),
    "discount_code": _table({1.0: "discount code,coupon code,coupon,promo code,discount coupon code"}),
    "shipping_method": _table(
        {1.0: "shipping method,shipping method name,shipping method title,shipping service description"}
    ),
    "payment_gateway": _table(
        {
            1.0: "payment gateway,payment gateway used,gateway",
            0.95: "payment method title,payment method,payment system",
        }
    ),
    "payment_reference": _table(
        {
            1.0: "payment reference,payment transaction id,payment intent,payment id",
            0.9: "transaction id,transaction reference,charge id",
        }
    ),
    "customer_note": _table(
        {1.0: "customer note,order note,customer message", 0.9: "note,notes,delivery instructions,order customer note"}
    ),
}

#: The sums of an order. A name must say which, and nothing else that nobody knows.
OF_MONEY = {
    "total": _table(
        {
            1.01: "total amount with taxes,total price with tax",
            1.0: "grand total,final grand total,order total,order grand total,total order,total paid,amount total,"
            "total amount,total price,order total price,order amount,order total amount",
            0.98: "total",
            0.92: "gross amount,amount gross,gross,payment amount,amount paid,transaction amount,paid amount,"
            "sale amount,sale total,cart total,order value",
            0.88: "amount,auth amount,payment gross,final amount",
            0.75: "price",
        }
    ),
    "subtotal": _table(
        {
            1.0: "subtotal,sub total,amount subtotal,subtotal amount,subtotal price,order subtotal,cart subtotal,"
            "subtotal ex tax",
            0.92: "items total,item total,total line items price,total item price,products total,items subtotal",
        }
    ),
    "discount_total": _table(
        {
            1.0: "discount total,total discount,total discounts,discount,discounts,discount amount,amount discount,"
            "total discount amount,discount total amount,order discount",
            0.85: "coupon discount,coupon amount,promotion discount",
        }
    ),
    "shipping_total": _table(
        {
            1.0: "shipping total,total shipping,shipping,shipping amount,amount shipping,shipping cost,shipping costs,"
            "shipping fee,shipping fees,shipping price,total shipping price,total shipping amount,"
            "shipping total amount,freight,shipping charge,shipping rate,delivery fee,total shipping cost,"
            "order shipping",
            0.85: "freight amount,freight cost",
        }
    ),
    "tax_total": _table(
        {
            1.0: "tax total,total tax,taxes total,tax,taxes,tax amount,amount tax,total taxes,total tax amount,"
            "tax total amount,vat amount,total vat,order tax,tax charge,total tax cost",
            0.9: "sales tax,sale tax amount",
        }
    ),
}

#: Fields of a person or an address: the last words of a name that says in its other words whose they are.
OF_PARTY = {
    "email": _table({1.0: "email,email address,e mail,contact email"}),
    "first_name": _table({1.0: "first name,first,name first"}),
    "last_name": _table({1.0: "last name,last,surname,name last"}),
    "name": _table({1.0: "name,full name", 0.8: "address name"}),
    "company": _table({1.0: "company,company name"}),
    "line1": _table(
        {
            1.0: "line 1,address line 1,address 1,street 1,street,street address,street name,street and number,"
            "first line",
            0.9: "address,address street,address line",
            0.85: "full address",
        }
    ),
    "line2": _table({1.0: "line 2,address line 2,address 2,street 2,second line"}),
    "city": _table({1.0: "city,address city", 0.9: "admin area 2,city name"}),
    "region": _table(
        {
            1.0: "region code,state code,state or province code,region,state,state or province,state province",
            0.9: "state name,region name,admin area 1",
        }
    ),
    "postcode": _table({1.0: "postcode,postal code,zip code,post code,zip,postal"}),
    "country": _table(
        {
            1.0: "country code,country iso,country iso code,country code iso,country iso 2,country code 2,iso code 2",
            0.95: "country",
            0.8: "country name",
        }
    ),
    "phone": _table({1.0: "phone,phone number,contact phone", 0.9: "national number,mobile"}),
    "id": _table({1.0: "customer id,customer number,payer id"}),
}

#: Fields of an item: the words after the place of its number, without the item itself (product name: name).
OF_ITEM = {
    "name": _table({1.0: "name", 0.95: "title", 0.85: "description,label", 0.8: "variation name,item"}),
    "sku": _table({1.0: "sku", 0.95: "code,catalog number", 0.9: "number,reference", 0.75: "direct link code"}),
    "quantity": _table({1.0: "quantity", 0.9: "quantity ordered"}),
    "unit_price": _table(
        {
            1.0: "unit price,unit price paid,price unit price,price each",
            0.95: "price,base price money,unit amount,unit total subtotal,unit cost",
        }
    ),
    "tax": _table({1.0: "tax,total tax,tax total,tax amount"}),
    "total": _table({1.0: "subtotal,total subtotal", 0.9: "total,total price,total amount", 0.8: "gross,amount"}),
    "id": _table({1.0: "product id"}),
}
