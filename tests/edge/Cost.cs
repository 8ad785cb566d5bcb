using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using NetDriver;

/// <summary>
/// What calls through the C# library cost in instructions on Mono: run it under callgrind with
/// --collect-atstart=no, as <c>cost.c</c>. Mono compiles a method when it is first called and never
/// again, so that after the warm-up each run counts the same.
/// </summary>
internal static unsafe class Cost
{
    private const int Connections = 8;
    private const int Batch = 64;
    private const int RoundsWarm = 12;
    private const int Rounds = 8;
    private const int PatienceMS = 60000;
    private const string Text = "thirty-two bytes of a small text";

    private static readonly byte[] s_Message = Encoding.UTF8.GetBytes(Text);

    [DllImport("edgecounter")]
    private static extern void edge_toggle();
    [DllImport("edgecounter")]
    private static extern void edge_zero();
    [DllImport("edgecounter")]
    private static extern void edge_dump(byte* name);
    [DllImport("edgecounter")]
    private static extern void edge_nothing(void* driver, uint number);

    private sealed class Carrier
    {
        internal string Name;
        internal Func<INetworkInterface> Interface;
        internal bool Plain;
        internal bool Reliable;
    }

    private static readonly Carrier[] s_Carriers =
    {
        new Carrier { Name = "udp", Interface = () => new UDPNetworkInterface() },
        new Carrier
        {
            Name = "udp-reliable", Interface = () => new UDPNetworkInterface(), Reliable = true,
        },
        new Carrier { Name = "ipc", Interface = () => new IPCNetworkInterface() },
        new Carrier
        {
            Name = "websocket-utp",
            Interface = () => new WebSocketNetworkInterface { Dialect = WebSocketDialect.Utp },
        },
        new Carrier
        {
            Name = "websocket", Plain = true,
            Interface = () => new WebSocketNetworkInterface { Dialect = WebSocketDialect.Plain },
        },
    };

    private static NetworkDriver s_Server, s_Client;
    private static NetworkPipeline s_Pipeline;
    private static readonly NetworkConnection[] s_Incoming = new NetworkConnection[Connections];
    private static readonly NetworkConnection[] s_Outgoing = new NetworkConnection[Connections];

    private static void Need(bool holds, string what)
    {
        if (!holds)
            throw new InvalidOperationException(what + ": " + NetDriverLibrary.LastError);
    }

    private static void Turn()
    {
        s_Client.ScheduleUpdate().Complete();
        s_Server.ScheduleUpdate().Complete();
    }

    private static NetworkDriver Create(Carrier carrier)
    {
        NetDriverParameter parameter = NetDriverParameter.Default;
        parameter.session = false;
        NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(parameter);
        NetworkDriver driver = NetworkDriver.Create(carrier.Interface(), settings);
        s_Pipeline = carrier.Reliable
            ? driver.CreatePipeline(typeof(ReliableSequencedPipelineStage)) : NetworkPipeline.Null;
        return driver;
    }

    private static void Open(Carrier carrier)
    {
        s_Server = Create(carrier);
        s_Client = Create(carrier);
        Need(s_Server.Bind(NetworkEndpoint.LoopbackIpv4) == 0, "bind");
        Need(s_Server.Listen() == 0, "listen");
        NetworkEndpoint address = s_Server.GetLocalEndpoint();
        Stopwatch watch = Stopwatch.StartNew();
        for (int at = 0; at < Connections; at++)
        {
            s_Outgoing[at] = carrier.Plain
                ? s_Client.Connect("ws://127.0.0.1:" + address.Port + "/")
                : s_Client.Connect(address);
            do
            {
                Turn();
                s_Incoming[at] = s_Server.Accept();
                Need(watch.ElapsedMilliseconds < PatienceMS, "a connection in time");
            }
            while (!s_Incoming[at].IsCreated);
        }
        for (int connects = 0; connects < Connections; Turn())
        {
            NetworkConnection connection;
            DataStreamReader reader;
            while (s_Client.PopEvent(out connection, out reader) != NetworkEvent.Type.Empty)
                connects++;
            Need(watch.ElapsedMilliseconds < PatienceMS, "Connect events in time");
        }
    }

    private static int Waiting(NetworkDriver driver, NetworkConnection[] connections)
    {
        int sum = 0;
        for (int at = 0; at < Connections; at++)
            sum += driver.GetEventQueueSizeForConnection(connections[at]);
        return sum;
    }

    private static void Carry(NetworkDriver to, NetworkConnection[] connections)
    {
        Stopwatch watch = Stopwatch.StartNew();
        do
        {
            Turn();
            Need(watch.ElapsedMilliseconds < PatienceMS, "a batch in time");
        }
        while (Waiting(to, connections) < Batch);
    }

    private static void FromClient()
    {
        for (int at = 0; at < Batch; at++)
            Need(s_Client.Send(s_Pipeline, s_Outgoing[at % Connections], s_Message) == 0, "send");
        Carry(s_Server, s_Incoming);
    }

    private static void ToClient(int failures)
    {
        NetworkConnection connection;
        DataStreamReader reader;
        int count = 0;
        Need(failures == 0, "sends");
        Carry(s_Client, s_Outgoing);
        while (s_Client.PopEvent(out connection, out reader) != NetworkEvent.Type.Empty)
            count++;
        Need(count == Batch, "a whole batch");
    }

    private static void Pop()
    {
        NetworkConnection connection;
        DataStreamReader reader;
        int bytes = 0;
        FromClient();
        edge_toggle();
        for (int at = 0; at < Batch; at++)
        {
            s_Server.PopEvent(out connection, out reader);
            bytes += reader.Length;
        }
        edge_toggle();
        Need(bytes == Batch * s_Message.Length, "all bytes");
    }

    private static void PopForConnection()
    {
        DataStreamReader reader;
        int bytes = 0;
        FromClient();
        edge_toggle();
        for (int at = 0; at < Batch; at++)
        {
            s_Server.PopEventForConnection(s_Incoming[at % Connections], out reader);
            bytes += reader.Length;
        }
        edge_toggle();
        Need(bytes == Batch * s_Message.Length, "all bytes");
    }

    private static void Send()
    {
        int failures = 0;
        edge_toggle();
        for (int at = 0; at < Batch; at++)
        {
            if (s_Server.Send(s_Pipeline, s_Incoming[at % Connections], s_Message) != 0)
                failures++;
        }
        edge_toggle();
        ToClient(failures);
    }

    private static void SendText()
    {
        int failures = 0;
        edge_toggle();
        for (int at = 0; at < Batch; at++)
        {
            if (s_Server.SendText(s_Incoming[at % Connections], Text) != 0)
                failures++;
        }
        edge_toggle();
        ToClient(failures);
    }

    private static void BeginEndSend()
    {
        int failures = 0;
        edge_toggle();
        for (int at = 0; at < Batch; at++)
        {
            DataStreamWriter writer;
            s_Server.BeginSend(s_Pipeline, s_Incoming[at % Connections], out writer);
            writer.WriteInt(at);
            writer.WriteULong(7);
            if (s_Server.EndSend(writer) < 0)
                failures++;
        }
        edge_toggle();
        ToClient(failures);
    }

    private static void CallNothing()
    {
        edge_toggle();
        for (uint at = 0; at < Batch; at++)
            edge_nothing(null, at);
        edge_toggle();
    }

    private static void Count(string carrier, string operation, Action run)
    {
        string words = carrier + " " + operation + " " + Rounds * Batch + "\0";
        byte[] name = Encoding.ASCII.GetBytes(words);
        for (int round = 0; round < RoundsWarm; round++)
            run();
        edge_zero();
        for (int round = 0; round < Rounds; round++)
            run();
        fixed (byte* bytes = name)
            edge_dump(bytes);
    }

    private static int Main()
    {
        Count("mono", "empty-call", CallNothing);
        foreach (Carrier carrier in s_Carriers)
        {
            Open(carrier);
            Count(carrier.Name, "pop", Pop);
            Count(carrier.Name, "pop-for-connection", PopForConnection);
            Count(carrier.Name, "send", Send);
            if (carrier.Plain)
                Count(carrier.Name, "send-text", SendText);
            Count(carrier.Name, "begin-end-send", BeginEndSend);
            s_Client.Dispose();
            s_Server.Dispose();
        }
        Console.WriteLine("done");
        return 0;
    }
}
