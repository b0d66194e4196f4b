import ws from "k6/ws";

export const options = {
  scenarios: {
    echo: {
      executor: "constant-vus",
      vus: Number(__ENV.VUS || 50),
      duration: __ENV.DURATION || "10s",
      gracefulStop: "0s",
    },
  },
};

export default function () {
  ws.connect(`${__ENV.TARGET}/echo`, null, (socket) => {
    const message = '{"type":"user_message","content":"hello, is anybody there?","n":1}';
    socket.on("open", () => socket.send(message));
    socket.on("message", () => socket.send(message));
  });
}
