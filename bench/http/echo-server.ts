/** A bare uWebSockets.js server that answers with the body it got: the floor of any server on it. */
import uWS from 'uWebSockets.js';

uWS
  .App()
  .post('/', (response) => {
    response.onAborted(() => undefined);
    response.onData((chunk, isLast) => {
      if (isLast) response.cork(() => response.end(chunk));
    });
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (socket === false) throw new Error('cannot listen');
    const port = uWS.us_socket_local_port(socket as unknown as uWS.us_socket);
    console.log(`ready http://127.0.0.1:${port}`);
  });
