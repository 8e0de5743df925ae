"""What gunicorn serves: `gunicorn shop.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from tasks import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

application = get_wsgi_application()
tracing.start("web")  # gunicorn reads this module in each worker, after the fork
