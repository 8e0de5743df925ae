"""Replays a file of real order lines through the shop: the sort of input nobody makes up.

    file ─ lines ─▶ goods sold ─▶ invoices ─▶ orders          (placed through `place_order`)
             │         └────────▶ catalogue ─▶ opening stock  (received before the first order)
             ├▶ goods taken back ─▶ returns                   (each cancels an earlier order)
             └▶ everything else ─▶ refusals                   (line number and reason)

`plan` and what it imports are pure functions of the file; only `importing` and `playing` touch
the shop. So the same file always means the same orders, and a replay that was stopped is gone on
with by starting it again.

The format is that of the "Online Retail" data set (D. Chen, UCI, 2015): InvoiceNo, StockCode,
Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country.
"""
