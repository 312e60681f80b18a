// An OAuth server that really checks what it is sent: oauth2-mock-server, with refresh tokens that are good once.
//
// Prints its address. Each line of standard input, {"body": {…}, "status": 200}, is laid over the answers from then on, and answered
// with "ok". A value of null takes a field out.
'use strict';

const { randomUUID } = require('node:crypto');
const { createInterface } = require('node:readline');
const { OAuth2Server } = require('oauth2-mock-server');

let laidOver = { body: {} };
let refreshToken;

async function main() {
  const server = new OAuth2Server();
  await server.issuer.keys.generate('RS256');
  // Tokens of one second would be alike.
  server.service.on('beforeTokenSigning', (token) => {
    token.payload.jti = randomUUID();
  });
  server.service.on('beforeResponse', (response, request) => {
    if (request.body.grant_type === 'refresh_token' && request.body.refresh_token !== refreshToken) {
      response.statusCode = 400;
      response.body = { error: 'invalid_grant' };
      return;
    }
    if (laidOver.status && laidOver.status !== 200) {
      response.statusCode = laidOver.status;
      response.body = laidOver.body;
      return;
    }
    delete response.body.id_token;
    Object.assign(response.body, laidOver.body);
    for (const [key, value] of Object.entries(response.body)) {
      if (value === null) delete response.body[key];
    }
    refreshToken = response.body.refresh_token ?? refreshToken;
  });
  await server.start(0, '127.0.0.1');
  console.log(`127.0.0.1:${server.address().port}`);
  for await (const line of createInterface({ input: process.stdin })) {
    laidOver = JSON.parse(line);
    console.log('ok');
  }
  await server.stop();
}

main();
