x = sms.send(to: a) rescue nil
