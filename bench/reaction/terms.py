"""What server and bots of the bench have agreed on. Prices at two decimals, quantities at three."""

KEY, SECRET = "bench-key", "bench-secret"
HIGH, LOW = 6_000_000, 5_990_000     # a tick at LOW is to be answered
THRESHOLD = 59_950                   # in USDT
POSITION = 2_000_000                 # 2,000 BTC long: every event sells 10 thousandths of it
BALANCE = 200_000_000                # USDT
SOLD = "0.010"
