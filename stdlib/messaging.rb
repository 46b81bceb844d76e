# All that messaging needs: texts, letters, chats, pagers and whom they are for.
use "sms"
use "chat"
use "pager"
use "crm"
