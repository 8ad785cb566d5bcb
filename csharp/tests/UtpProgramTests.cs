// A program for Unity Transport, with its usual lines for the driver; only the using lines are
// netdriver's (Unity: Unity.Networking.Transport, Unity.Networking.Transport.Error,
// Unity.Collections).
using System.Collections.Generic;
using NetDriver;
using NetDriver.Error;

namespace UtpProgram
{
    internal sealed class SimpleServer
    {
        private NetworkDriver m_Driver;
        private List<NetworkConnection> m_Connections;
        internal int Port;
        internal int Closed;

        internal void Start()
        {
            m_Driver = NetworkDriver.Create();
            m_Connections = new List<NetworkConnection>();
            var endpoint = NetworkEndpoint.AnyIpv4.WithPort(0);
            if (m_Driver.Bind(endpoint) != (int)StatusCode.Success)
                throw new System.InvalidOperationException("cannot bind");
            m_Driver.Listen();
            Port = m_Driver.GetLocalEndpoint().Port;
        }

        internal void OnDestroy()
        {
            if (m_Driver.IsCreated)
                m_Driver.Dispose();
        }

        internal void Update()
        {
            m_Driver.ScheduleUpdate().Complete();
            for (int i = 0; i < m_Connections.Count; i++)
            {
                if (!m_Connections[i].IsCreated)
                {
                    m_Connections.RemoveAt(i);
                    --i;
                }
            }

            NetworkConnection c;
            while ((c = m_Driver.Accept()) != default)
                m_Connections.Add(c);

            for (int i = 0; i < m_Connections.Count; i++)
            {
                DataStreamReader stream;
                NetworkEvent.Type cmd;
                while ((cmd = m_Driver.PopEventForConnection(m_Connections[i], out stream))
                    != NetworkEvent.Type.Empty)
                {
                    if (cmd == NetworkEvent.Type.Data)
                    {
                        uint number = stream.ReadUInt();
                        m_Driver.BeginSend(NetworkPipeline.Null, m_Connections[i], out var writer);
                        writer.WriteUInt(number + 2);
                        m_Driver.EndSend(writer);
                    }
                    else if (cmd == NetworkEvent.Type.Disconnect)
                    {
                        m_Connections[i] = default(NetworkConnection);
                        Closed++;
                        break;
                    }
                }
            }
        }
    }

    internal sealed class SimpleClient
    {
        private NetworkDriver m_Driver;
        private NetworkConnection m_Connection;
        internal uint Answer;

        internal void Start(int port)
        {
            var settings = new NetworkSettings();
            settings.WithNetworkConfigParameters(disconnectTimeoutMS: 5000);
            m_Driver = NetworkDriver.Create(settings);
            m_Connection = default;
            var endpoint = NetworkEndpoint.LoopbackIpv4.WithPort((ushort)port);
            m_Connection = m_Driver.Connect(endpoint);
        }

        internal void OnDestroy()
        {
            m_Driver.Dispose();
        }

        internal void Update()
        {
            m_Driver.ScheduleUpdate().Complete();
            if (!m_Connection.IsCreated)
                return;
            DataStreamReader stream;
            NetworkEvent.Type cmd;
            while ((cmd = m_Connection.PopEvent(m_Driver, out stream)) != NetworkEvent.Type.Empty)
            {
                if (cmd == NetworkEvent.Type.Connect)
                {
                    uint value = 1;
                    m_Driver.BeginSend(m_Connection, out DataStreamWriter writer);
                    writer.WriteUInt(value);
                    m_Driver.EndSend(writer);
                }
                else if (cmd == NetworkEvent.Type.Data)
                {
                    Answer = stream.ReadUInt();
                    m_Connection.Disconnect(m_Driver);
                    m_Connection = default(NetworkConnection);
                    m_Driver.ScheduleFlushSend(default).Complete();
                    break;
                }
                else if (cmd == NetworkEvent.Type.Disconnect)
                {
                    m_Connection = default(NetworkConnection);
                }
            }
        }
    }

    [NetDriver.Tests.Tests]
    internal static class UtpProgramTests
    {
        public static void AProgramForUnityTransportRuns()
        {
            SimpleServer server = new SimpleServer();
            SimpleClient client = new SimpleClient();
            server.OnDestroy();
            server.Start();
            client.Start(server.Port);
            try
            {
                for (int i = 0; i < 2000 && server.Closed == 0; i++)
                {
                    client.Update();
                    server.Update();
                    System.Threading.Thread.Sleep(1);
                }
                NetDriver.Tests.Check.Equal(3u, client.Answer, "answer");
                NetDriver.Tests.Check.Equal(1, server.Closed, "closed");
            }
            finally
            {
                client.OnDestroy();
                server.OnDestroy();
            }
        }
    }
}
