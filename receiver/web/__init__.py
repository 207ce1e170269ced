"""The pages for people: the console, the customers' account, the help; and errors and health as JSON."""

from __future__ import annotations

from typing import cast

from werkzeug.local import LocalProxy

from receiver.app.components import Kit, current_kit

#: The current app's kit, as Flask's ``current_app`` is the current app; only inside a request or an app context.
kit = cast("Kit", LocalProxy(current_kit))
