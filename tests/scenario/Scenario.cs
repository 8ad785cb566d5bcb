// Runs a scenario script against the C# API; see tests/scenario/README.md.
// Must stay the same interpreter as scenario.rs and scenario.c: one command, one call.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using NetDriver;
using NetDriver.Analytics;

/// <summary>A script that cannot be read.</summary>
internal sealed class ScriptException : Exception
{
    internal ScriptException(string why) : base(why)
    {
    }
}

/// <summary>A driver of the script.</summary>
internal sealed partial class Actor
{
    internal readonly string Name;
    private NetworkDriver m_Driver;
    private readonly bool m_OverTcp;
    private readonly List<NetworkConnection> m_Connections = new List<NetworkConnection>();
    private readonly Dictionary<string, DataStreamWriter> m_Sends =
        new Dictionary<string, DataStreamWriter>();

    internal Actor(string name, NetworkDriver driver, bool overTcp)
    {
        Name = name;
        m_Driver = driver;
        m_OverTcp = overTcp;
    }

    internal bool Wait(int timeoutMS)
    {
        return m_Driver.Wait(timeoutMS);
    }

    // Over TCP the system chooses the port, so that scripts do not meet.
    private int Bind(string port)
    {
        NetworkEndpoint endpoint = Script.Loopback(port);
        int result = m_Driver.Bind(m_OverTcp ? endpoint.WithPort(0) : endpoint);
        if (m_OverTcp && result == 0)
            Script.Ports[Script.Number(port)] = m_Driver.GetLocalEndpoint().Port;
        return result;
    }

    internal void Destroy()
    {
        m_Driver.Dispose();
    }

    internal void Update()
    {
        m_Driver.ScheduleUpdate().Complete();
        int error = m_Driver.ReceiveErrorCode;
        if (error != 0 && error != (int)NetDriver.Error.StatusCode.NetworkReceiveQueueFull)
            Tell("update " + Said(error));
    }

    internal void Run(List<string> words)
    {
        string command = words[0] + " " + words.Count;
        if (!Change(command, words) && !Send(command, words) && !Ask(command, words))
            throw new ScriptException("unknown command " + words[0]);
    }

    private bool Change(string command, List<string> words)
    {
        switch (command)
        {
            case "bind 3":
                Tell("bind " + Said(Bind(words[2])));
                return true;
            case "listen 2":
                Tell("listen " + Said(m_Driver.Listen()));
                return true;
            case "accept_payload 3":
                byte[] payload = Script.ParseBytes(words[2]);
                Tell("accept_payload " + Said(m_Driver.SetAcceptPayload(payload)));
                return true;
            case "connect 4":
                Connect(words[2], words[3]);
                return true;
            case "accept 2":
                Accept();
                return true;
            case "disconnect 3":
                int result = m_Driver.Disconnect(Connection(words[2]));
                Tell("disconnect " + words[2] + " " + Said(result));
                return true;
            case "update 2":
                Update();
                return true;
            case "flush 2":
                m_Driver.ScheduleFlushSend().Complete();
                return true;
            default:
                return false;
        }
    }

    private bool Send(string command, List<string> words)
    {
        switch (command)
        {
            case "pipeline 3":
                MakePipeline(words[2]);
                return true;
            case "through 5":
                Through(words[2], words[3], Script.ParseBytes(words[4]));
                return true;
            case "send 4":
                SendWhole(words[2], Script.ParseBytes(words[3]));
                return true;
            case "begin 5":
                Begin(words[2], words[3], Script.Number(words[4]));
                return true;
            case "end 4":
                End(words[2], Script.ParseBytes(words[3]));
                return true;
            case "abort 3":
                Tell("abort " + words[2] + " " + Said(m_Driver.AbortSend(Writer(words[2]))));
                return true;
            default:
                return false;
        }
    }

    private bool Ask(string command, List<string> words)
    {
        switch (command)
        {
            case "pop 2":
                PrintNext(true);
                return true;
            case "pop 3":
                PrintNextOf(Connection(words[2]));
                return true;
            case "drain 2":
                bool more = PrintNext(true);
                while (more)
                    more = PrintNext(false);
                return true;
            case "state 3":
                string state = m_Driver.GetConnectionState(Connection(words[2])).ToString();
                Tell("state " + words[2] + " " + state.ToLowerInvariant());
                return true;
            case "waiting 3":
                int count = m_Driver.GetEventQueueSizeForConnection(Connection(words[2]));
                Tell("waiting " + words[2] + " " + count);
                return true;
            case "room 3":
                int room = m_Driver.GetMaxSupportedPayloadSize(
                    Connection(words[2]), NetworkPipeline.Null);
                Tell("room " + words[2] + " " + (room < 0 ? Said(room) : room.ToString()));
                return true;
            case "room 4":
                int most = m_Driver.GetMaxSupportedPayloadSize(
                    Connection(words[2]), Pipeline(words[3]));
                Tell("room " + words[2] + " through " + words[3] + " "
                    + (most < 0 ? Said(most) : most.ToString()));
                return true;
            case "resent 4":
                PipelineStatistics counted;
                int result = m_Driver.GetPipelineStatistics(
                    Pipeline(words[3]), Connection(words[2]), out counted);
                if (result != 0)
                    throw new ScriptException("no statistics");
                Tell("resent " + words[2] + " through " + words[3] + " "
                    + counted.Reliable.PacketsResent);
                return true;
            case "counters 2":
                PrintCounters();
                return true;
            default:
                return false;
        }
    }

    private static string Said(int result)
    {
        return result >= 0 ? "ok" : "error " + result.ToString(CultureInfo.InvariantCulture);
    }

    private void Tell(string text)
    {
        Script.Print(Name + " " + text);
    }

    private NetworkConnection Connection(string word)
    {
        if (word == "none")
            return default(NetworkConnection);
        int index = Script.Number(word);
        if (index < 0 || index >= m_Connections.Count)
            throw new ScriptException(Name + " has no connection " + word);
        return m_Connections[index];
    }

    private DataStreamWriter Writer(string word)
    {
        DataStreamWriter writer;
        if (!m_Sends.TryGetValue(word, out writer))
            throw new ScriptException(Name + " has no send " + word);
        return writer;
    }

    private void Connect(string port, string payload)
    {
        NetworkConnection connection =
            m_Driver.Connect(Script.Loopback(port), Script.ParseBytes(payload));
        if (!connection.IsCreated)
        {
            Tell("connect failed");
            return;
        }
        Tell("connect " + m_Connections.Count);
        m_Connections.Add(connection);
    }

    private void Accept()
    {
        byte[] payload;
        NetworkConnection connection = m_Driver.Accept(out payload);
        if (!connection.IsCreated)
        {
            Tell("accept none");
            return;
        }
        Tell("accept " + m_Connections.Count + " " + Script.FormatBytes(payload));
        m_Connections.Add(connection);
    }

    /// <summary>Unity Transport's way to send: begin, write, end.</summary>
    private void SendWhole(string conn, byte[] bytes)
    {
        DataStreamWriter writer;
        int result = m_Driver.BeginSend(Connection(conn), out writer, bytes.Length);
        if (result == 0)
        {
            writer.WriteBytes(bytes);
            result = m_Driver.EndSend(writer);
            if (result >= 0 && result != bytes.Length)
                throw new ScriptException("EndSend gave " + result + " bytes");
        }
        Tell("send " + conn + " " + Said(result));
    }

    private void Begin(string conn, string name, int size)
    {
        DataStreamWriter writer;
        int result = m_Driver.BeginSend(Connection(conn), out writer, size);
        Tell("begin " + name + (result == 0 ? " room " + writer.Capacity : " " + Said(result)));
        if (result == 0)
            m_Sends[name] = writer;
    }

    private void End(string name, byte[] bytes)
    {
        // The copy keeps the stored writer as it was: a second end starts from the same place.
        DataStreamWriter writer = Writer(name);
        writer.WriteBytes(bytes);
        Tell("end " + name + " " + Said(m_Driver.EndSend(writer)));
    }

    private bool PrintNext(bool tellNone)
    {
        NetworkConnection connection;
        DataStreamReader reader;
        NetworkPipeline pipe;
        NetworkEvent.Type kind = m_Driver.PopEvent(out connection, out reader, out pipe);
        if (kind != NetworkEvent.Type.Empty || tellNone)
            PrintEvent(kind, connection, reader, pipe);
        return kind != NetworkEvent.Type.Empty;
    }

    private void PrintNextOf(NetworkConnection connection)
    {
        DataStreamReader reader;
        NetworkPipeline pipe;
        NetworkEvent.Type kind =
            m_Driver.PopEventForConnection(connection, out reader, out pipe);
        PrintEvent(kind, connection, reader, pipe);
    }

    private void PrintEvent(
        NetworkEvent.Type kind, NetworkConnection connection, DataStreamReader reader,
        NetworkPipeline pipe)
    {
        if (kind == NetworkEvent.Type.Empty)
        {
            Tell("event none");
            return;
        }
        int conn = m_Connections.IndexOf(connection);
        if (conn < 0)
            throw new ScriptException(Name + " got an event of an unknown connection");
        switch (kind)
        {
            case NetworkEvent.Type.Connect:
            case NetworkEvent.Type.Data:
                byte[] bytes = reader.IsCreated ? reader.ReadRemainingBytes() : new byte[0];
                string word = kind == NetworkEvent.Type.Data ? "data " : "connect ";
                string through = pipe.Id == 0 ? " " : " through " + pipe.Id + " ";
                Tell("event " + word + conn + through + Script.FormatBytes(bytes));
                break;
            case NetworkEvent.Type.Disconnect:
                Tell("event disconnect " + conn + " reason " + reader.ReadByte());
                break;
            case NetworkEvent.Type.Writable:
                Tell("event writable " + conn);
                break;
            default:
                throw new ScriptException(Name + " got an unknown event " + kind);
        }
    }

    private void PrintCounters()
    {
        DriverStatistics s = m_Driver.GetStatistics();
        Tell("counters now " + s.Connections + " come " + s.ConnectionsIncoming
            + " made " + s.ConnectionsOutgoing + " in " + s.MessagesIn + " out " + s.MessagesOut
            + " dropped " + s.DroppedIn + " refused " + s.RefusedOut);
    }
}

/// <summary>The script: its lines, its drivers, its numbers and bytes.</summary>
internal sealed class Script
{
    /// <summary>Milliseconds of one update when the script does not say otherwise.</summary>
    private const int FrameTimeMS = 10;

    /// <summary>Up to so many bytes print as digits, more as a hash.</summary>
    private const int HexBytesMax = 32;
    // How long await waits at most, in rounds of a millisecond.
    private const int AwaitRounds = 5000;

    // The ports that the system chose for those of the script, over TCP.
    internal static readonly Dictionary<int, ushort> Ports = new Dictionary<int, ushort>();

    private static readonly TextWriter s_Output = OpenOutput();
    private readonly List<Actor> m_Actors = new List<Actor>();

    private static TextWriter OpenOutput()
    {
        return new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false))
        {
            NewLine = "\n",
        };
    }

    private static int Main(string[] arguments)
    {
        if (arguments.Length != 1)
        {
            Console.Error.WriteLine("usage: Scenario FILE.txt");
            return 2;
        }
        int number = 0;
        Script script = new Script();
        try
        {
            foreach (string line in File.ReadAllLines(arguments[0]))
            {
                number++;
                string trimmed = line.Trim();
                if (trimmed.Length > 0 && trimmed[0] != '#')
                    script.RunLine(trimmed);
            }
            return 0;
        }
        catch (ScriptException why)
        {
            Console.Error.WriteLine(arguments[0] + ":" + number + ": " + why.Message);
            return 2;
        }
        finally
        {
            s_Output.Flush();
            foreach (Actor actor in script.m_Actors)
                actor.Destroy();
        }
    }

    internal static void Print(string line)
    {
        s_Output.WriteLine(line);
    }

    private void RunLine(string line)
    {
        if (line.StartsWith("say ", StringComparison.Ordinal))
        {
            Print("-- " + line.Substring(4));
            return;
        }
        List<string> words = Split(line);
        if (words.Count < 2)
            throw new ScriptException("unknown command " + line);
        switch (words[0])
        {
            case "repeat":
                string rest = line.Substring(line.IndexOf(words[1], StringComparison.Ordinal)
                    + words[1].Length).Trim();
                for (int i = Number(words[1]); i > 0; i--)
                    RunLine(rest);
                break;
            case "run":
                for (int i = Number(words[1]); i > 0; i--)
                    for (int name = 2; name < words.Count; name++)
                        Find(words[name]).Update();
                break;
            case "await":
                Await(words);
                break;
            case "driver":
                Create(words);
                break;
            case "destroy":
                Actor actor = Find(words[1]);
                actor.Destroy();
                m_Actors.Remove(actor);
                Print(words[1] + " destroy");
                break;
            default:
                Find(words[1]).Run(words);
                break;
        }
    }

    // Lets the drivers work, without moving their clocks, until the first has something to show.
    private void Await(List<string> words)
    {
        for (int round = 0; round < AwaitRounds; round++)
        {
            for (int other = 2; other < words.Count; other++)
                Find(words[other]).Wait(0);
            if (Find(words[1]).Wait(1))
                return;
        }
        Print(words[1] + " await failed");
    }

    private void Create(List<string> words)
    {
        bool overTcp = words.Count > 2 && words[2] == "tcp";
        if (words.Count < 3 || !(overTcp || words[2] == "ipc"))
            throw new ScriptException("unknown interface");
        NetworkConfigParameter config = NetworkConfigParameter.Default;
        NetDriverParameter limits = NetDriverParameter.Default;
        config.fixedFrameTimeMS = FrameTimeMS;
        for (int i = 3; i < words.Count; i++)
            Apply(words[i], ref config, ref limits);
        NetworkSettings settings = new NetworkSettings();
        settings = settings.WithNetworkConfigParameters(config);
        settings = settings.WithNetDriverParameters(limits);
        try
        {
            INetworkInterface carrier = overTcp
                ? (INetworkInterface)new TCPNetworkInterface() : new IPCNetworkInterface();
            NetworkDriver driver = NetworkDriver.Create(carrier, settings);
            m_Actors.Add(new Actor(words[1], driver, overTcp));
            Print(words[1] + " driver ok");
        }
        catch (NetDriverException error)
        {
            Print(words[1] + " driver error " + (int)error.Status);
        }
    }

    private static void Apply(
        string pair, ref NetworkConfigParameter config, ref NetDriverParameter limits)
    {
        int equals = pair.IndexOf('=');
        if (equals < 0)
            throw new ScriptException("no = in " + pair);
        int value = Number(pair.Substring(equals + 1));
        switch (pair.Substring(0, equals))
        {
            case "connect_timeout_ms": config.connectTimeoutMS = value; break;
            case "max_connect_attempts": config.maxConnectAttempts = value; break;
            case "disconnect_timeout_ms": config.disconnectTimeoutMS = value; break;
            case "heartbeat_timeout_ms": config.heartbeatTimeoutMS = value; break;
            case "fixed_frame_time_ms": config.fixedFrameTimeMS = value; break;
            case "receive_queue_capacity": config.receiveQueueCapacity = value; break;
            case "send_queue_capacity": config.sendQueueCapacity = value; break;
            case "max_message_size": config.maxMessageSize = value; break;
            case "connections_max": limits.connectionsMax = (uint)value; break;
            case "writable_events": limits.writableEvents = value != 0; break;
            case "session": limits.session = value != 0; break;
            default: throw new ScriptException("unknown setting " + pair);
        }
    }

    private Actor Find(string name)
    {
        foreach (Actor actor in m_Actors)
            if (actor.Name == name)
                return actor;
        throw new ScriptException("no driver " + name);
    }

    /// <summary>Words of a line; a text in quotes keeps its quotes and its spaces.</summary>
    private static List<string> Split(string line)
    {
        List<string> words = new List<string>();
        int at = 0;
        while (at < line.Length)
        {
            int stop = line[at] == '"' ? line.IndexOf('"', at + 1) : line.IndexOf(' ', at);
            if (line[at] == '"' && stop < 0)
                throw new ScriptException("a quote is not closed");
            stop = stop < 0 ? line.Length : line[at] == '"' ? stop + 1 : stop;
            words.Add(line.Substring(at, stop - at));
            at = stop;
            while (at < line.Length && line[at] == ' ')
                at++;
        }
        return words;
    }

    internal static int Number(string word)
    {
        int value;
        if (!int.TryParse(
            word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value))
            throw new ScriptException(word + " is not a number");
        return value;
    }

    internal static NetworkEndpoint Loopback(string port)
    {
        int wanted = Number(port);
        ushort chosen;
        return NetworkEndpoint.LoopbackIpv4.WithPort(
            Ports.TryGetValue(wanted, out chosen) ? chosen : (ushort)wanted);
    }

    internal static byte[] ParseBytes(string word)
    {
        if (word == "-")
            return new byte[0];
        if (word.Length >= 2 && word[0] == '"')
            return Encoding.UTF8.GetBytes(word.Substring(1, word.Length - 2));
        byte[] bytes;
        if (word.StartsWith("ramp:", StringComparison.Ordinal))
        {
            bytes = new byte[Number(word.Substring(5))];
            for (int i = 0; i < bytes.Length; i++)
                bytes[i] = (byte)(7 * i + i / 256);
            return bytes;
        }
        if (!word.StartsWith("hex:", StringComparison.Ordinal) || word.Length % 2 != 0)
            throw new ScriptException(word + " is no BYTES");
        bytes = new byte[(word.Length - 4) / 2];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = Convert.ToByte(word.Substring(4 + 2 * i, 2), 16);
        return bytes;
    }

    internal static string FormatBytes(byte[] bytes)
    {
        if (bytes.Length == 0)
            return "-";
        StringBuilder text = new StringBuilder();
        if (bytes.Length <= HexBytesMax)
        {
            foreach (byte value in bytes)
                text.Append(value.ToString("x2"));
            return text.ToString();
        }
        uint hash = 0x811c9dc5;
        foreach (byte value in bytes)
            hash = unchecked((hash ^ value) * 0x01000193);
        return bytes.Length + " bytes #" + hash.ToString("x8");
    }
}
