using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;
using NetDriver;
using NetDriver.Error;

/// <summary>
/// Sits in the room of chat_server, in C#:
///
///   mono ChatClient.exe URL [--name NAME] [--save FOLDER] [--tls-ca FILE]
///
/// A wss:// URL speaks TLS; FILE holds certificates to trust beside those of the system, in PEM.
/// What is typed goes to everybody. /to TARGET TEXT is for one alone (a negative number: for all
/// but one), /name NAME is another name, /file TARGET PATH sends a file, /quit leaves. Files that
/// come are kept in FOLDER. Each thing that happens is one line of output. The exit code is 0 when
/// the room was entered and left cleanly.
///
/// The messages are described in examples/page/chat.html. Nothing here starts a thread but the
/// reading of the keys: the driver is asked, never waited for longer than it has to be.
/// </summary>
internal sealed class ChatClient
{
    private const string SubProtocol = "demo-chat";
    private const int CodeNormal = 1000;
    private const int ServerId = 1;
    private const int FileBytesMax = 1 << 20;
    private const int RelayHead = 8;
    // What is typed is noticed between two waits: none is longer than this.
    private const int WaitMS = 50;
    // How long a client that leaves waits for its goodbye to be answered, at most.
    private const int LeaveMSMax = 4000;

    private readonly Dictionary<int, string> m_People = new Dictionary<int, string>();
    private readonly Queue<string> m_Typed = new Queue<string>();
    private readonly string m_Name;
    private readonly string m_Folder;
    private readonly TlsClientOptions m_Tls = new TlsClientOptions();
    private NetworkDriver m_Driver;
    private NetworkConnection m_Connection;
    private int m_Id;
    private bool m_Entered;
    private bool m_Ended;
    private bool m_Clean;

    private ChatClient(string name, string folder, string authority)
    {
        if (authority != null)
            m_Tls.CACertificate = File.ReadAllText(authority);
        m_Name = name;
        m_Folder = folder;
    }

    private static int Main(string[] arguments)
    {
        string name = "mono";
        string folder = null;
        string authority = null;
        bool good = arguments.Length % 2 == 1;
        for (int i = 1; good && i < arguments.Length; i += 2)
        {
            if (arguments[i] == "--name")
                name = arguments[i + 1];
            else if (arguments[i] == "--save")
                folder = arguments[i + 1];
            else if (arguments[i] == "--tls-ca")
                authority = arguments[i + 1];
            else
                good = false;
        }
        if (!good)
        {
            Console.Error.WriteLine(
                "usage: ChatClient URL [--name NAME] [--save FOLDER] [--tls-ca FILE]");
            return 2;
        }
        ChatClient client = new ChatClient(name, folder, authority);
        return client.Run(arguments[0]) ? 0 : 1;
    }

    private bool Run(string url)
    {
        NetDriverParameter limits = NetDriverParameter.Default;
        limits.webSocketMessageSizeMax = RelayHead + FileBytesMax;
        limits.subProtocolRule = SubProtocolRule.Strict;
        NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(limits);
        m_Driver = NetworkDriver.Create(new WebSocketNetworkInterface(), settings);
        m_Connection = m_Driver.Connect(url, new ConnectOptions
        {
            SubProtocols = new[] { SubProtocol },
            Tls = m_Tls,
        });
        if (!m_Connection.IsCreated)
        {
            Console.Error.WriteLine("cannot connect: " + NetDriverLibrary.LastError);
            m_Driver.Dispose();
            return false;
        }
        new Thread(ReadKeys) { IsBackground = true }.Start();
        while (!m_Ended)
        {
            m_Driver.Wait(WaitMS);
            m_Driver.ScheduleUpdate().Complete();
            TakeEvents();
            TakeKeys();
            m_Driver.ScheduleFlushSend().Complete();
        }
        m_Driver.Dispose();
        return m_Entered && m_Clean;
    }

    /// <summary>Runs on a thread of its own; the driver is not touched here.</summary>
    private void ReadKeys()
    {
        string line;
        TextReader keys = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
        while ((line = keys.ReadLine()) != null)
        {
            lock (m_Typed)
                m_Typed.Enqueue(line);
        }
        lock (m_Typed)
            m_Typed.Enqueue("/quit");
    }

    private void TakeKeys()
    {
        // What was typed before the room is entered waits.
        while (m_Entered && !m_Ended)
        {
            string line;
            lock (m_Typed)
            {
                if (m_Typed.Count == 0)
                    return;
                line = m_Typed.Dequeue();
            }
            if (line.Length > 0)
                Obey(line);
        }
    }

    private void Obey(string line)
    {
        string[] words = line.Split(new[] { ' ' }, 3);
        if (line == "/quit")
            Leave();
        else if (words[0] == "/to" && words.Length == 3)
            Send("say " + words[1] + " " + words[2]);
        else if (words[0] == "/name" && words.Length > 1)
            Send("name " + line.Substring("/name ".Length));
        else if (words[0] == "/file" && words.Length == 3)
            SendFile(words[1], words[2]);
        else if (line[0] == '/')
            Say("! unknown: " + line);
        else
            Send("say 0 " + line);
    }

    private void TakeEvents()
    {
        NetworkConnection connection;
        DataStreamReader stream;
        NetworkEvent.Type kind;
        while ((kind = m_Driver.PopEvent(out connection, out stream)) != NetworkEvent.Type.Empty)
        {
            if (kind == NetworkEvent.Type.Connect)
            {
                string tls = m_Driver.GetConnectionText(connection, ConnectionText.TlsVersion);
                Say("* connected, speaking " + m_Driver.GetConnectionText(connection,
                    ConnectionText.SubProtocol) + (tls.Length > 0 ? " over TLS " + tls : ""));
                Send("name " + m_Name);
            }
            else if (kind == NetworkEvent.Type.Data)
            {
                byte[] bytes = new byte[stream.Length];
                stream.ReadBytes(bytes);
                if (m_Driver.LastEvent.IsText)
                    TakeLine(Encoding.UTF8.GetString(bytes));
                else
                    TakeFile(bytes);
            }
            else if (kind == NetworkEvent.Type.Disconnect)
            {
                NetworkEventDetails end = m_Driver.LastEvent;
                m_Ended = true;
                m_Clean = end.IsClean;
                Say("* the connection ended: " + end.Reason + ", code " + end.CloseCode
                    + (end.IsClean ? ", clean: " : ", not clean: ") + end.Text);
            }
        }
    }

    private void TakeLine(string line)
    {
        string[] words = line.Split(new[] { ' ' }, 2);
        string rest = words.Length == 2 ? words[1] : string.Empty;
        switch (words[0])
        {
            case "welcome":
                m_Id = int.Parse(rest);
                break;
            case "here":
            case "join":
            case "name":
                TakePerson(words[0], rest.Split(new[] { ' ' }, 2));
                break;
            case "leave":
                TakeLeave(rest.Split(new[] { ' ' }, 4));
                break;
            case "say":
                words = rest.Split(new[] { ' ' }, 3);
                Say(Heading(int.Parse(words[0]), int.Parse(words[1])) + words[2]);
                break;
            case "error":
                Say("! " + rest);
                break;
        } // What one does not know, one ignores.
    }

    private void TakePerson(string kind, string[] words)
    {
        int id = int.Parse(words[0]);
        string before = NameOf(id);
        m_People[id] = words[1];
        if (kind == "join" && id == m_Id)
            m_Entered = true;
        if (kind == "name")
            Say("* " + before + " is now " + words[1]);
        else
            Say("* " + words[1] + (kind == "join" ? " joined as " : " is here as ") + id);
    }

    private void TakeLeave(string[] words)
    {
        int id = int.Parse(words[0]);
        Say("* " + NameOf(id) + (words[2] == "1" ? " left with code " : " was lost with code ")
            + words[1] + ": " + words[3]);
        m_People.Remove(id);
    }

    private string NameOf(int id)
    {
        string name;
        if (id == m_Id)
            return "you";
        if (id == ServerId)
            return "the server";
        return m_People.TryGetValue(id, out name) ? name : "number " + id;
    }

    private string Heading(int from, int target)
    {
        string whom = target == 0 ? string.Empty
            : target < 0 ? " to all but " + NameOf(-target)
            : " to " + NameOf(target) + " alone";
        return NameOf(from) + whom + ": ";
    }

    private void TakeFile(byte[] bytes)
    {
        DataStreamReader reader = new DataStreamReader(bytes);
        int from = reader.ReadInt();
        int target = reader.ReadInt();
        string name = ReadPart(ref reader);
        ReadPart(ref reader); // its media type is for those who show it
        byte[] content = new byte[reader.Length - reader.GetBytesRead()];
        reader.ReadBytes(content);
        if (reader.HasFailedReads)
        {
            Say("! a file came that cannot be read");
            return;
        }
        if (name.Length == 0)
        {
            Say(Heading(from, target) + "[sticker " + Encoding.UTF8.GetString(content) + "]");
            return;
        }
        Say(Heading(from, target) + "[file " + name + ", " + content.Length + " bytes]");
        if (m_Folder != null)
            Keep(name, content);
    }

    /// <summary>A peer must not choose where its file goes: only the last part counts.</summary>
    private void Keep(string name, byte[] content)
    {
        string last = name.Substring(name.LastIndexOfAny(new[] { '/', '\\', ':', '\0' }) + 1);
        if (last.Length == 0 || last == "." || last == "..")
            return;
        try
        {
            File.WriteAllBytes(Path.Combine(m_Folder, last), content);
        }
        catch (IOException error)
        {
            Say("! " + error.Message);
        }
    }

    private static string ReadPart(ref DataStreamReader reader)
    {
        byte[] bytes = new byte[reader.ReadByte()];
        reader.ReadBytes(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    private void SendFile(string target, string path)
    {
        int whom;
        byte[] name = Encoding.UTF8.GetBytes(Path.GetFileName(path));
        if (!int.TryParse(target, out whom) || !File.Exists(path) || name.Length > byte.MaxValue)
        {
            Say("! /file needs a number and the path of a file");
            return;
        }
        byte[] content = File.ReadAllBytes(path);
        byte[] message = new byte[4 + 1 + name.Length + 1 + content.Length];
        if (message.Length - 4 > FileBytesMax)
        {
            Say("! that file is larger than 1 MiB");
            return;
        }
        for (int i = 0; i < 4; i++)
            message[i] = (byte)(whom >> 8 * i);
        message[4] = (byte)name.Length;
        name.CopyTo(message, 5);
        content.CopyTo(message, 6 + name.Length);
        Check(m_Driver.Send(m_Connection, message));
    }

    private void Send(string line)
    {
        Check(m_Driver.SendText(m_Connection, line));
    }

    private void Check(int result)
    {
        if (result != (int)StatusCode.Success)
            Say("! not sent: " + (StatusCode)result);
    }

    /// <summary>A WebSocket ends with a handshake of its own, so the driver stays until then.
    /// </summary>
    private void Leave()
    {
        m_Driver.Close(m_Connection, CodeNormal, "Bye bye!");
        m_Driver.ScheduleFlushSend().Complete();
        Stopwatch clock = Stopwatch.StartNew();
        while (m_Driver.GetStatistics().ConnectionsClosing > 0
            && clock.ElapsedMilliseconds < LeaveMSMax)
        {
            m_Driver.Wait(10);
            m_Driver.ScheduleUpdate().Complete();
        }
        m_Ended = true;
        m_Clean = clock.ElapsedMilliseconds < LeaveMSMax;
        Say("* you left");
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }
}
