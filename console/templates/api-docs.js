"use strict";
// Shows the OpenAPI document. Nothing is asked of any other server.

SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers["X-Dialer"] = "1"; // else the console takes a changing request for one of another site
    return request;
  },
});
