campaign: 5
