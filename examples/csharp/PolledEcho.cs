using System;
using System.Text;
using System.Threading;
using NetDriver;
using NetDriver.WebSockets;

/// <summary>
/// Godot's shapes in one program: a WebSocketServer of Godot 3 that echoes, and a WebSocketPeer of
/// Godot 4 that asks it.
///
///   mono PolledEcho.exe [TEXT]
///
/// The exit code is 0 when the text came back as text.
/// </summary>
internal static class PolledEcho
{
    private static int Main(string[] arguments)
    {
        string text = arguments.Length > 0 ? arguments[0] : "hello";
        WebSocketServer server = new WebSocketServer { BindIp = "127.0.0.1" };
        server.ClientConnected += (id, protocol) => Console.WriteLine("connected: " + protocol);
        server.ClientCloseRequest += (id, code, reason) =>
            Console.WriteLine("wants to go: " + code + " " + reason);
        server.ClientDisconnected += (id, clean) => Console.WriteLine("gone, clean: " + clean);
        server.DataReceived += id =>
        {
            WebSocketPeer peer = server.GetPeer(id);
            byte[] packet = peer.GetPacket();
            peer.Send(packet, peer.WasStringPacket() ? WriteMode.Text : WriteMode.Binary);
        };
        if (server.Listen(0, new[] { "echo" }) != 0)
            return 1;
        WebSocketPeer client = new WebSocketPeer { SupportedProtocols = new[] { "echo" } };
        client.ConnectToUrl("ws://127.0.0.1:" + server.LocalPort);
        bool asked = false;
        bool good = false;
        while (client.GetReadyState() != WebSocketPeer.State.Closed || server.GetPeers().Length > 0)
        {
            // A game does this once a frame.
            client.Poll();
            server.Poll();
            if (client.GetReadyState() == WebSocketPeer.State.Open && !asked)
                asked = client.SendText(text) == 0;
            if (client.GetAvailablePacketCount() > 0)
            {
                good = Encoding.UTF8.GetString(client.GetPacket()) == text
                    && client.WasStringPacket();
                client.Close(1000, "thanks");
            }
            Thread.Sleep(1);
        }
        Console.WriteLine("closed: " + client.GetCloseCode());
        client.Dispose();
        server.Dispose();
        return good ? 0 : 1;
    }
}
