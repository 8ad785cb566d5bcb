using System;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using NetDriver;
using NetDriver.Error;

/// <summary>
/// A player of arena_server that needs nobody at the keys, in C#:
///
///   mono ArenaBot.exe udp|ws HOST PORT [--name NAME] [--seconds N]
///
/// Joins, wanders, answers pings; after N seconds leaves politely. The last line of output is
/// JSON. The exit code is 0 only when it was welcomed and seen to move.
///
/// Apart from the first line of Connect it is what a client of Unity Transport looks like, and it
/// does not ask by which way it travels. Messages: examples/c/arena.h.
/// </summary>
internal sealed class ArenaBot
{
    private const byte Join = (byte)'J';
    private const byte Move = (byte)'M';
    private const byte Leave = (byte)'L';
    private const byte Ping = (byte)'P';
    private const byte Welcome = (byte)'W';
    private const byte Snapshot = (byte)'S';

    private const int NameMax = 24;
    private const int Size = 1000;
    private const int Speed = 12;
    private const int Margin = 40;
    private const int StepMS = 50;
    private const int StepsASecond = 20;
    // How long a bot that leaves waits for its goodbye to be answered, at most.
    private const int LeaveMSMax = 4000;

    private readonly Random m_Random = new Random();
    private readonly byte[] m_Name;
    private NetworkDriver m_Driver;
    private NetworkConnection m_Connection;
    private bool m_Connected;
    private bool m_Ended;
    private bool m_Joined;
    private bool m_Placed;
    private bool m_Moved;
    private uint m_Id;
    private int m_X, m_Y, m_StartX, m_StartY, m_StepX, m_StepY;
    private int m_Others;
    private ulong m_MessagesIn;
    private ulong m_MessagesOut;

    private ArenaBot(string name)
    {
        m_Name = Encoding.UTF8.GetBytes(name);
    }

    private static int Main(string[] arguments)
    {
        string name = "bot";
        int seconds = 0;
        ushort port = 0;
        bool good = arguments.Length >= 3 && (arguments[0] == "udp" || arguments[0] == "ws")
            && ushort.TryParse(arguments[2], out port);
        for (int i = 3; good && i < arguments.Length; i += 2)
        {
            good = i + 1 < arguments.Length;
            if (good && arguments[i] == "--name")
                name = arguments[i + 1];
            else if (good)
                good = arguments[i] == "--seconds" && int.TryParse(arguments[i + 1], out seconds)
                    && seconds >= 0;
        }
        int length = Encoding.UTF8.GetByteCount(name);
        if (!good || length == 0 || length > NameMax)
        {
            Console.Error.WriteLine(
                "usage: ArenaBot udp|ws HOST PORT [--name NAME] [--seconds N]; a name has 1 to 24 bytes");
            return 2;
        }
        ArenaBot bot = new ArenaBot(name);
        bool stop = false;
        Console.CancelKeyPress += (sender, press) =>
        {
            stop = true;
            press.Cancel = true;
        };
        if (!bot.Connect(arguments[0] == "ws", arguments[1], port))
            return 1;
        bot.Run(seconds, () => stop);
        bot.Say();
        return bot.m_Joined && bot.m_Moved ? 0 : 1;
    }

    private bool Connect(bool webSocket, string host, ushort port)
    {
        m_Driver = webSocket ? NetworkDriver.Create(new WebSocketNetworkInterface())
            : NetworkDriver.Create();
        m_Connection = m_Driver.Connect(host, port);
        if (m_Connection.IsCreated)
            return true;
        Console.Error.WriteLine("cannot connect: " + NetDriverLibrary.LastError);
        m_Driver.Dispose();
        return false;
    }

    private void Run(int seconds, Func<bool> stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        long end = seconds == 0 ? long.MaxValue : seconds * 1000L;
        long nextStep = StepMS;
        long steps = 0;
        while (!m_Ended && !stop() && clock.ElapsedMilliseconds < end)
        {
            m_Driver.Wait((int)Math.Max(0, nextStep - clock.ElapsedMilliseconds));
            Update();
            if (clock.ElapsedMilliseconds >= nextStep && !m_Ended)
            {
                nextStep = clock.ElapsedMilliseconds + StepMS;
                Step(steps++);
            }
            m_Driver.ScheduleFlushSend().Complete();
        }
        if (!m_Ended)
            SayGoodbye();
        m_Driver.Dispose();
    }

    private void Update()
    {
        m_Driver.ScheduleUpdate().Complete();
        NetworkConnection connection;
        DataStreamReader stream;
        NetworkEvent.Type kind;
        while ((kind = m_Driver.PopEvent(out connection, out stream)) != NetworkEvent.Type.Empty)
        {
            if (kind == NetworkEvent.Type.Connect)
            {
                m_Connected = true;
                SendJoin();
            }
            else if (kind == NetworkEvent.Type.Data)
            {
                Take(ref stream);
            }
            else if (kind == NetworkEvent.Type.Disconnect)
            {
                m_Ended = true;
                Console.Error.WriteLine("the connection ended: "
                    + (DisconnectReason)stream.ReadByte()
                    + " " + m_Driver.LastEvent.Text);
            }
        }
    }

    private void Take(ref DataStreamReader stream)
    {
        m_MessagesIn++;
        switch (stream.ReadByte())
        {
            case Welcome:
                m_Id = stream.ReadUInt();
                m_Joined = !stream.HasFailedReads;
                break;
            case Snapshot:
                if (m_Joined)
                    See(ref stream);
                break;
            case Ping:
                SendPing(stream.ReadUInt());
                break;
        } // Names and goodbyes are for those who draw them.
    }

    private void See(ref DataStreamReader stream)
    {
        int others = 0;
        for (int left = stream.ReadUShort(); left > 0; left--)
        {
            uint id = stream.ReadUInt();
            int x = stream.ReadShort();
            int y = stream.ReadShort();
            if (stream.HasFailedReads)
                return;
            if (id != m_Id)
                others++;
            else if (!m_Placed)
            {
                m_Placed = true;
                m_X = m_StartX = x;
                m_Y = m_StartY = y;
            }
            else if (x != m_StartX || y != m_StartY)
                m_Moved = true;
        }
        m_Others = Math.Max(m_Others, others);
    }

    private void Step(long number)
    {
        if (!m_Joined)
        {
            // Over UDP, the message or its answer may have been lost.
            if (m_Connected && number % StepsASecond == 0)
                SendJoin();
            return;
        }
        if (!m_Placed)
            return;
        if (number % StepsASecond == 0 || (m_StepX == 0 && m_StepY == 0))
        {
            m_StepX = m_Random.Next(-Speed, Speed + 1);
            m_StepY = m_Random.Next(-Speed, Speed + 1);
        }
        m_StepX = Turn(m_X, m_StepX);
        m_StepY = Turn(m_Y, m_StepY);
        m_X += m_StepX;
        m_Y += m_StepY;
        DataStreamWriter writer;
        if (Begin(Move, out writer))
        {
            writer.WriteShort((short)m_X);
            writer.WriteShort((short)m_Y);
            End(writer);
        }
    }

    private static int Turn(int place, int step)
    {
        return place < Margin ? Speed : place > Size - Margin ? -Speed : step;
    }

    private void SendJoin()
    {
        DataStreamWriter writer;
        if (!Begin(Join, out writer))
            return;
        writer.WriteByte((byte)m_Name.Length);
        writer.WriteBytes(m_Name);
        End(writer);
    }

    private void SendPing(uint stamp)
    {
        DataStreamWriter writer;
        if (!Begin(Ping, out writer))
            return;
        writer.WriteUInt(stamp);
        End(writer);
    }

    private bool Begin(byte kind, out DataStreamWriter writer)
    {
        int result = m_Driver.BeginSend(NetworkPipeline.Null, m_Connection, out writer);
        // A full queue is no fault here: the next move says more than this one.
        if (result != (int)StatusCode.Success)
            return Fault("BeginSend", result);
        writer.WriteByte(kind);
        return true;
    }

    private void End(DataStreamWriter writer)
    {
        int result = m_Driver.EndSend(writer);
        if (result >= 0)
            m_MessagesOut++;
        else
            Fault("EndSend", result);
    }

    private bool Fault(string call, int result)
    {
        if (result != (int)StatusCode.NetworkSendQueueFull && !m_Ended)
            Console.Error.WriteLine(call + ": " + (StatusCode)result);
        return false;
    }

    private void SayGoodbye()
    {
        DataStreamWriter writer;
        if (m_Connected && Begin(Leave, out writer))
            End(writer);
        m_Driver.Disconnect(m_Connection);
        m_Driver.ScheduleFlushSend().Complete();
        // A WebSocket ends with a handshake of its own, so the driver stays until that is over.
        Stopwatch clock = Stopwatch.StartNew();
        while (m_Driver.GetStatistics().ConnectionsClosing > 0
            && clock.ElapsedMilliseconds < LeaveMSMax)
        {
            m_Driver.Wait(10);
            m_Driver.ScheduleUpdate().Complete();
        }
    }

    private void Say()
    {
        Console.WriteLine(string.Format(CultureInfo.InvariantCulture,
            "{{\"name\":{0},\"joined\":{1},\"moved\":{2},\"others\":{3},\"messages_in\":{4},\"messages_out\":{5}}}",
            Quoted(Encoding.UTF8.GetString(m_Name)), m_Joined ? "true" : "false",
            m_Moved ? "true" : "false", m_Others, m_MessagesIn, m_MessagesOut));
    }

    private static string Quoted(string text)
    {
        StringBuilder quoted = new StringBuilder("\"");
        foreach (char letter in text)
        {
            if (letter == '"' || letter == '\\')
                quoted.Append('\\').Append(letter);
            else if (letter < ' ')
                quoted.Append("\\u").Append(((int)letter).ToString("x4",
                    CultureInfo.InvariantCulture));
            else
                quoted.Append(letter);
        }
        return quoted.Append('"').ToString();
    }
}
