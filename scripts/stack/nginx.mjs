// SPDX-License-Identifier: Apache-2.0
// nginx as the hospital's web server (static portal) and, at other origins, as the load balancer before platform and attestation
// service. It carries sealed bytes and sees no patient data. Loopback HTTP is a secure context for browsers, so that a laptop
// needs no certificate in its trust store.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CONNECTIONS = 8192;
const DESCRIPTORS = CONNECTIONS + 256;

function ingress(port, upstream) {
  return `
  server {
    listen 127.0.0.1:${port} backlog=4096;
    client_max_body_size 8m;
    location / {
      proxy_pass https://127.0.0.1:${upstream};
      proxy_ssl_protocols TLSv1.3;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host localhost:${upstream};
      # Straight through: who sends a body too slowly is the service's to judge, which drops it (limits.body_s).
      proxy_request_buffering off;
      proxy_connect_timeout 5s;
      proxy_send_timeout 30s;
      proxy_read_timeout 60s;
    }
  }`;
}

/** Writes the configuration; answers the arguments for nginx, which changes nothing but `tmp` in the folder. */
export function nginxArguments(folder, { portalFolder, headersFile, ports }) {
  mkdirSync(join(folder, 'tmp'), { recursive: true, mode: 0o700 });
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, `
worker_processes 1;
daemon off;
pid ${folder}/tmp/nginx.pid;
error_log stderr warn;
# A connection that is passed on takes two. When none is free, nginx closes those that wait for a request, the oldest first.
worker_rlimit_nofile ${DESCRIPTORS};
events { worker_connections ${CONNECTIONS}; multi_accept on; }
http {
  client_header_timeout 10s;
  client_body_timeout 20s;
  send_timeout 30s;
  keepalive_timeout 60s;
  keepalive_requests 10000;
  lingering_time 5s;
  lingering_timeout 2s;
  reset_timedout_connection on;
  access_log off;
  server_tokens off;
  client_body_temp_path ${folder}/tmp/body;
  proxy_temp_path ${folder}/tmp/proxy;
  fastcgi_temp_path ${folder}/tmp/fastcgi;
  uwsgi_temp_path ${folder}/tmp/uwsgi;
  scgi_temp_path ${folder}/tmp/scgi;
  types { text/html html; text/javascript js; text/css css; application/json json; application/jose jws; image/svg+xml svg; }
  default_type application/octet-stream;
  server {
    listen 127.0.0.1:${ports.portal} backlog=4096;
    root ${portalFolder};
    location / {
      try_files $uri $uri/ =404;
      include ${headersFile};
    }
  }${ingress(ports.platformIngress, ports.platform)}${ingress(ports.attestationIngress, ports.attestation)}
}
`);
  return ['-e', 'stderr', '-p', folder, '-c', file];
}
