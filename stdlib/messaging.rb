# All that messaging needs: texts, letters, chats, pagers and whom they are for.
use "sms"
use "email"
use "chat"
use "pager"
use "crm"
