// Trades with an unmodified ccxt at the addresses of the one argument, and prints what it saw as one line of JSON.
import ccxt from 'ccxt';

const at = JSON.parse(process.argv[2]);
const symbol = 'BTC/USDT:USDT';
const client = new ccxt.pro.binanceusdm({
    apiKey: at.key, secret: at.secret, enableRateLimit: false, options: { fetchCurrencies: false },
});
const venue = 'https://fapi.binance.com';
for (const [name, url] of Object.entries(client.urls.api)) {
    if (typeof url === 'string' && url.startsWith(venue)) {
        client.urls.api[name] = at.rest + url.slice(venue.length);
    }
}
for (const name of ['linear', 'future']) {         // the name changed between releases
    client.urls.api.ws[name] = at.ws;
    client.urls.api.ws['ws-api'][name] = at.ws_api;
}

const conditional = [
    ['limit', 54900, { stopLossPrice: 55000 }],
    ['market', undefined, { stopLossPrice: 55000 }],
    ['limit', 65100, { takeProfitPrice: 65000 }],
    ['market', undefined, { takeProfitPrice: 65000 }],
    ['market', undefined, { trailingPercent: 1.5, trailingTriggerPrice: 61000 }],
];

await client.loadHttpProxyAgent();                    // what ccxt for Node asks for where a stream is not TLS

try {
    await client.loadMarkets();
    const seen = { markets: Object.keys(client.markets), kinds: [] };
    const watched = client.watchOrders(symbol);
    const trades = client.watchTrades(symbol);
    const book = await client.watchOrderBook(symbol);
    seen.best = [book.bids[0][0], book.asks[0][0]];
    const limit = await client.createOrder(symbol, 'limit', 'buy', 0.01, 59000, { clientOrderId: 'from-node' });
    seen.watched = (await watched).at(-1).clientOrderId;
    seen.queried = (await client.fetchOrder(undefined, symbol, { clientOrderId: 'from-node' })).status;
    seen.cancelled = (await client.cancelOrder(limit.id, symbol)).status;
    seen.filled = (await client.createOrder(symbol, 'market', 'buy', 0.05)).filled;
    seen.trade = (await trades).at(-1).amount;
    for (const [form, price, params] of conditional) {
        const placed = await client.createOrder(symbol, form, 'sell', 0.01, price, { ...params, reduceOnly: true });
        const found = await client.fetchOrder(placed.id, symbol, { trigger: true });
        await client.cancelOrder(placed.id, symbol, { trigger: true });
        seen.kinds.push([found.info.orderType, found.status]);
    }
    seen.position = (await client.fetchPositions([symbol]))[0].contracts;
    seen.balance = (await client.fetchBalance()).USDT.total;
    console.log(JSON.stringify(seen));
} finally {
    await client.close();
}
process.exit(0);         // its timer for the next listen key outlives the client
