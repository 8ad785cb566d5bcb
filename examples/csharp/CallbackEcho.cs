using System;
using System.Threading;
using NetDriver.WebSockets;

/// <summary>
/// An echo client in the shape of Best HTTP's WebSocket:
///
///   mono CallbackEcho.exe URL [TEXT]
///
/// Sends the text, waits for it to come back, and says goodbye. The exit code is 0 when it did.
/// </summary>
internal static class CallbackEcho
{
    private static int Main(string[] arguments)
    {
        if (arguments.Length < 1 || arguments.Length > 2)
        {
            Console.Error.WriteLine("usage: CallbackEcho URL [TEXT]");
            return 2;
        }
        string wanted = arguments.Length == 2 ? arguments[1] : "hello";
        bool good = false;
        WebSocket socket = new WebSocket(new Uri(arguments[0]));
        socket.StartPingThread = true;
        socket.OnOpen = ws => ws.Send(wanted);
        socket.OnMessage = (ws, text) =>
        {
            Console.WriteLine("echo: " + text);
            good = text == wanted;
            ws.Close(1000, "thanks");
        };
        socket.OnClosed = (ws, code, reason) => Console.WriteLine("closed: " + code);
        socket.OnError = (ws, error) =>
        {
            good = false;
            Console.Error.WriteLine("error: " + error);
        };
        socket.Open();
        // A game calls this once a frame.
        while (socket.State != WebSocketStates.Closed)
        {
            WebSocket.UpdateAll();
            Thread.Sleep(1);
        }
        socket.Dispose();
        return good ? 0 : 1;
    }
}
