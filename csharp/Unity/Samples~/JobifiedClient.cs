#if UNITY_5_3_OR_NEWER
using NetDriver;
using Unity.Collections;
using Unity.Jobs;
using UnityEngine;
// Both namespaces have one.
using DataStreamReader = NetDriver.DataStreamReader;
using DataStreamWriter = NetDriver.DataStreamWriter;

/// <summary>
/// A client of <see cref="JobifiedServer"/> whose work runs as a job of Unity: it sends a number,
/// logs the answer and leaves.
/// </summary>
public class JobifiedClient : MonoBehaviour
{
    /// <summary>The server's port on this machine.</summary>
    public ushort Port = 7777;

    private NetworkDriver m_Driver;
    // A job works on copies: what it changes is in an array.
    private NativeArray<NetworkConnection> m_Connection;
    private NativeArray<uint> m_Answer;
    private JobHandle m_Frame;

    private struct UpdateJob : IJob
    {
        public NetworkDriver Driver;
        public NativeArray<NetworkConnection> Connection;
        public NativeArray<uint> Answer;

        public void Execute()
        {
            DataStreamReader reader;
            NetworkEvent.Type kind;
            while ((kind = Connection[0].PopEvent(Driver, out reader)) != NetworkEvent.Type.Empty)
            {
                DataStreamWriter writer;
                if (kind == NetworkEvent.Type.Connect
                    && Driver.BeginSend(Connection[0], out writer) == 0)
                {
                    writer.WriteUInt(1);
                    Driver.EndSend(writer);
                }
                else if (kind == NetworkEvent.Type.Data)
                {
                    Answer[0] = reader.ReadUInt();
                    Connection[0].Disconnect(Driver);
                    Connection[0] = default(NetworkConnection);
                }
                else if (kind == NetworkEvent.Type.Disconnect)
                    Connection[0] = default(NetworkConnection);
            }
        }
    }

    /// <summary>What came back; 0 before.</summary>
    public uint Answer
    {
        get
        {
            m_Frame.Complete();
            return m_Answer[0];
        }
    }

    private void Start()
    {
        m_Driver = NetworkDriver.Create(new WebSocketNetworkInterface());
        m_Connection = new NativeArray<NetworkConnection>(1, Allocator.Persistent);
        m_Answer = new NativeArray<uint>(1, Allocator.Persistent);
        m_Connection[0] = m_Driver.Connect(NetworkEndpoint.LoopbackIpv4.WithPort(Port));
    }

    private void Update()
    {
        m_Frame.Complete();
        UpdateJob update = new UpdateJob
        {
            Driver = m_Driver,
            Connection = m_Connection,
            Answer = m_Answer
        };
        m_Frame = m_Driver.ScheduleUpdate();
        m_Frame = update.Schedule(m_Frame);
    }

    private void OnDestroy()
    {
        m_Frame.Complete();
        m_Driver.Dispose();
        m_Connection.Dispose();
        m_Answer.Dispose();
    }
}
#endif
