"""Restock: order perishable goods from a quantile forecast, and measure the waste against a seasonal-naive policy."""
