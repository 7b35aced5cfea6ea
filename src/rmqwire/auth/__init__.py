"""Who may do what: signatures, accounts, permissions. Nothing here touches a socket or a clock."""
