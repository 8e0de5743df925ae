"""One module a page. Views read the request, call one service and show its answer."""
